import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Header } from '../../../src/kit/log/event-log.ts';
import {
  contentMode,
  headerCache,
  readBinaryAttributes,
  readStructured,
} from '../../../src/kit/schemas/cloud-events.ts';

const headers = (pairs: Record<string, string>): { headers: Header[] } => ({
  headers: Object.entries(pairs).map(([name, value]): Header => [name, Buffer.from(value)]),
});
const REQUIRED = { specversion: '1.0', id: 'i', source: '/s', type: 't' };
const BINARY = { ce_specversion: '1.0', ce_id: 'i', ce_source: '/s', ce_type: 't' };

it('tells the content modes apart', () => {
  assert.equal(contentMode(headers(BINARY)), 'binary');
  assert.equal(contentMode(headers({ 'content-type': 'Application/CloudEvents+JSON; charset=UTF-8' })), 'structured');
  assert.equal(contentMode(headers({ ...BINARY, 'content-type': 'application/cloudevents+json' })), 'structured');
  assert.equal(contentMode(headers({ 'content-type': 'application/json', ce_custom: 'x' })), 'plain');
  assert.equal(contentMode({ headers: [] }), 'plain');
});

describe('binary mode', () => {
  it('reads attributes and extensions; the last of a repeated header counts', () => {
    const record = headers({ ...BINARY, 'content-type': 'application/json', ce_userid: 'ü', other: 'x' });
    record.headers.push(['ce_id', Buffer.from('j')], ['ce_subject', null]);
    assert.deepEqual(readBinaryAttributes(record), {
      attributes: { ...REQUIRED, id: 'j', userid: 'ü', datacontenttype: 'application/json' },
      errors: [],
    });
  });
  it('reports what is missing, not UTF-8, of another version or media type', () => {
    const record = headers({ ce_specversion: '0.3', ce_source: '/s', ce_type: 't', 'content-type': 'text/xml' });
    record.headers.push(['ce_id', Buffer.from([0xff])]);
    assert.deepEqual(
      readBinaryAttributes(record).errors.map(({ path }) => path),
      ['/id', '/id', '/specversion', '/datacontenttype'],
    );
  });
  it('keeps a replacement character that was really sent', () => {
    assert.equal(readBinaryAttributes(headers({ ...BINARY, ce_id: '\ufffd' })).attributes.id, '\ufffd');
  });
  it('ignores an invalid traceparent', () => {
    assert.equal(readBinaryAttributes(headers({ ...BINARY, traceparent: 'x' })).attributes.traceparent, undefined);
  });
});

describe('JSON event format', () => {
  it('reads strings, integers, booleans; null is absent', () => {
    const { event, errors } = readStructured({ ...REQUIRED, ext: 5, flag: true, subject: null, data: { a: 1 } });
    assert.deepEqual(errors, []);
    assert.deepEqual(event, { attributes: { ...REQUIRED, ext: '5', flag: 'true' }, data: { a: 1 } });
  });
  for (const type of ['application/json', 'application/json; charset=utf-8', 'application/vnd.x+json', 'text/json']) {
    it(`takes data of ${type}`, () =>
      assert.deepEqual(readStructured({ ...REQUIRED, datacontenttype: type }).errors, []));
  }
  const refused: [input: Record<string, unknown>, path: string][] = [
    [{ ...REQUIRED, id: '' }, '/id'],
    [{ ...REQUIRED, source: undefined }, '/source'],
    [{ ...REQUIRED, specversion: '2.0' }, '/specversion'],
    [{ ...REQUIRED, data_base64: 'AA==' }, '/data_base64'],
    [{ ...REQUIRED, datacontenttype: 'application/xml' }, '/datacontenttype'],
    [{ ...REQUIRED, 'user-id': 'x' }, '/user-id'],
    [{ ...REQUIRED, ext: { a: 1 } }, '/ext'],
    [{ ...REQUIRED, ext: 1.5 }, '/ext'],
  ];
  for (const [input, path] of refused) {
    it(`refuses ${path} of ${JSON.stringify(input)}`, () => {
      assert.ok(readStructured(input).errors.some((error) => error.path === path));
    });
  }
});

it('headerCache answers the same header and stays bounded', () => {
  const source = headerCache('ce_source', 2);
  const first = source('a');
  assert.equal(source('a'), first);
  source('b');
  source('c');
  assert.notEqual(source('a'), first);
  assert.deepEqual(source('a'), first);
});
