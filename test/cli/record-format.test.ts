import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteWriter, formatJson, parseFormat, type RecordFormat } from '../../src/cli/record-format.ts';
import type { LogRecord } from '../../src/kit/log/event-log.ts';

const RECORD: LogRecord = {
  topic: 'orders',
  partition: 2,
  offset: 40,
  timestamp: 1_779_890_400_000,
  key: Buffer.from('ключ'),
  value: Buffer.from('{"a":1}'),
  headers: [
    ['source', Buffer.from('web')],
    ['empty', null],
  ],
};

function written(format: RecordFormat, record: LogRecord = RECORD): Buffer {
  const out = new ByteWriter();
  format(record, out);
  return out.take();
}

describe('consume --format', () => {
  const cases: [template: string, text: string][] = [
    ['%v', '{"a":1}\n'],
    ['%t:%p:%o %k=%s', 'orders:2:40 ключ={"a":1}\n'],
    ['%T %h', '1779890400000 source=web,empty=null\n'],
    ['%K %S %%', '8 7 %\n'],
    ['%o\\n', '40\n'],
    ['%o\\0', '40\0'],
    ['%k\\t%v', 'ключ\t{"a":1}\n'],
    ['\\\\%o\\n;', '\\40\n;\n'],
    ['', '\n'],
  ];
  for (const [template, text] of cases)
    it(`${template || 'nothing'} writes ${JSON.stringify(text)}`, () =>
      assert.equal(written(parseFormat(template)).toString(), text));

  it('writes null for what is null, with a length of -1, and bytes as they are', () => {
    const bytes = Buffer.from([0, 255, 254, 10]);
    assert.equal(
      written(parseFormat('%k %K %v %S'), { ...RECORD, key: null, value: null }).toString(),
      'null -1 null -1\n',
    );
    assert.deepEqual(
      written(parseFormat('%v\\0'), { ...RECORD, value: bytes }),
      Buffer.concat([bytes, Buffer.from([0])]),
    );
  });

  for (const [template, column] of [
    ['%x', 1],
    ['ab%', 3],
    ['\\q', 1],
    ['%k\\', 3],
  ] as const)
    it(`refuses ${template} at column ${column}`, () =>
      assert.throws(() => parseFormat(template), { code: 'USAGE', details: { column } }));
});

describe('consume --json', () => {
  it('is an object a line that gives key, value and headers back, whatever their bytes', () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)));
    const back = (text: string | null, encoding: string) =>
      text === null ? null : Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8');
    fc.assert(
      fc.property(bytes, bytes, bytes, (key, value, content) => {
        const line = written(formatJson, { ...RECORD, key, value, headers: [['h', content]] }).toString();
        assert.ok(line.endsWith('}\n') && line.indexOf('\n') === line.length - 1);
        const json = JSON.parse(line);
        assert.deepEqual(back(json.key, json.key_encoding), key);
        assert.deepEqual(back(json.value, json.encoding), value);
        assert.deepEqual(back(json.headers[0].value, json.headers[0].encoding), content);
        assert.deepEqual(
          [json.topic, json.partition, json.offset, json.timestamp],
          ['orders', 2, 40, RECORD.timestamp],
        );
      }),
    );
  });
});

describe('ByteWriter', () => {
  it('gathers what it was given in order, and begins anew', () => {
    const parts = fc.array(
      fc.oneof(fc.string({ unit: 'binary', maxLength: 50_000 }), fc.uint8Array({ maxLength: 90_000 })),
      {
        maxLength: 5,
      },
    );
    fc.assert(
      fc.property(parts, (given) => {
        const out = new ByteWriter();
        for (const part of given) {
          if (typeof part === 'string') out.text(part);
          else out.bytes(Buffer.from(part));
        }
        assert.deepEqual(out.take(), Buffer.concat(given.map((part) => Buffer.from(part as string))));
        assert.equal(out.take().length, 0);
      }),
      { numRuns: 50 },
    );
  });
});
