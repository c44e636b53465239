import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toCsv } from '../../src/dashboard/export.ts';

test('CSV as RFC 4180 has it', () => {
  assert.equal(
    toCsv(
      ['topic', 'lag'],
      [
        ['a,b', 1],
        ['say "hi"', null],
        ['two\nlines', -3],
      ],
    ),
    'topic,lag\r\n"a,b",1\r\n"say ""hi""",\r\n"two\nlines",-3\r\n',
  );
});

test('no text becomes a formula in a spreadsheet', () => {
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\tx'])
    assert.match(toCsv(['x'], [[text]]), /^x\r\n"?'/, JSON.stringify(text));
  assert.equal(toCsv(['x'], [[-1]]), 'x\r\n-1\r\n');
});
