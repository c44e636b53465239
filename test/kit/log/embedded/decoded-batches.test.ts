import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CRC_FROM, HEADER_BYTES } from '../../../../src/kit/log/embedded/batch-header.ts';
import { DecodedBatches } from '../../../../src/kit/log/embedded/decoded-batches.ts';
import { encodeBatch } from '../../../../src/kit/log/embedded/record-batch.ts';

const at = { topic: 't', partition: 0 };

function batch(value: string) {
  const bytes = encodeBatch([{ key: null, value: Buffer.from(value), headers: [], timestamp: 1 }]);
  return { baseOffset: 0, lastOffset: 0, bytes };
}

test('a batch is decoded once while it is among the last ones', () => {
  const [one, other] = [batch('one'), batch('two')];
  const decoded = new DecodedBatches();
  const records = decoded.records(at, one);
  assert.equal(records[0]!.value!.toString(), 'one');
  assert.equal(decoded.records(at, other)[0]!.value!.toString(), 'two');
  assert.equal(decoded.records(at, one), records);
});

test('over the bound the oldest is forgotten, and decoded anew', () => {
  const batches = Array.from({ length: 10 }, (_, n) => batch(`${n}`));
  const decoded = new DecodedBatches(3 * batches[0]!.bytes.length);
  const records = batches.map((one) => decoded.records(at, one));
  assert.equal(decoded.records(at, batches[9]!), records[9]);
  assert.equal(decoded.records(at, batches[7]!), records[7]);
  const again = decoded.records(at, batches[0]!);
  assert.notEqual(again, records[0]);
  assert.deepEqual(again, records[0]);
});

test('the bound is on what batches are once they are unpacked', () => {
  const plain = batch('\0'.repeat(1024 * 1024)).bytes;
  const bytes = Buffer.concat([plain.subarray(0, HEADER_BYTES), gzipSync(plain.subarray(HEADER_BYTES))]);
  bytes.writeInt16BE(1, CRC_FROM);
  const packed = { baseOffset: 0, lastOffset: 0, bytes };
  const small = batch('small');
  const decoded = new DecodedBatches(100_000);
  const records = decoded.records(at, small);
  const unpacked = decoded.records(at, packed);
  assert.equal(unpacked[0]!.value!.length, 1024 * 1024);
  assert.notEqual(decoded.records(at, packed), unpacked);
  assert.equal(decoded.records(at, small), records);
});
