import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyToText, textToKey } from '../../../src/kit/consumers/record-key.ts';

test('plain keys stay readable; every key comes back as it was', () => {
  assert.equal(keyToText(Buffer.from('post_991')), 'post_991');
  assert.notEqual(keyToText(Buffer.from([0xff])), keyToText(Buffer.from([0xfe])));
  assert.notEqual(keyToText(Buffer.from('base64:/w==')), keyToText(Buffer.from([0xff])));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => textToKey(keyToText(Buffer.from(bytes))).equals(bytes)));
});
