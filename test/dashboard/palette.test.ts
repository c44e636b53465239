import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SearchJson } from '../../src/api/search.ts';
import { foundChoices, inOrder, inSections, moved, ownChoices } from '../../src/dashboard/palette/commands.ts';

const VIEWS = [
  { segment: '', name: 'Pulse' },
  { segment: 'topics', name: 'Topics' },
];
const ANSWER: SearchJson = {
  q: 'a',
  hits: [
    { kind: 'topic', title: 'a', detail: '', link: '/topics/a' },
    { kind: 'event', title: 'a', detail: '', link: '/journey/a' },
    { kind: 'topic', title: 'ab', detail: '', link: '/topics/ab' },
  ],
  missing: [],
  looked: null,
};

test('without a text there are all views and commands; words narrow them', () => {
  assert.deepEqual(
    ownChoices('', VIEWS).map(({ title }) => title),
    ['Pulse', 'Topics', 'Run the demo', 'Publish an event', 'Drills', 'Plan partitions', 'Switch the theme'],
  );
  assert.deepEqual(
    ownChoices('  THE run ', VIEWS).map(({ id }) => id),
    ['demo'],
  );
  assert.deepEqual(ownChoices('zebra', VIEWS), []);
});

test('what the server found keeps its order by section; an id that it did not find can be looked for', () => {
  const choices = foundChoices('a', ANSWER);
  assert.deepEqual(
    inSections(choices).map(({ name, choices: own }) => [name, own.map(({ index }) => index)]),
    [
      ['Topics', [0, 1]],
      ['Events', [2]],
    ],
  );
  assert.deepEqual(
    inOrder(choices).map(({ does }) => ('link' in does ? does.link : '')),
    ['/topics/a', '/topics/ab', '/journey/a'],
  );
  const [look] = foundChoices('x/y ?', { q: 'x/y ?', hits: [], missing: [], looked: null });
  assert.deepEqual(look!.does, { link: '/journey/x%2Fy%20%3F' });
  assert.deepEqual(foundChoices('x', null), [], 'not before the answer is there');
  assert.deepEqual(foundChoices('', { ...ANSWER, hits: [] }), []);
});

test('arrows go around the ends', () => {
  assert.equal(moved('ArrowDown', 4, 5), 0);
  assert.equal(moved('ArrowUp', 0, 5), 4);
  assert.equal(moved('PageDown', 0, 5), 4);
  assert.equal(moved('PageUp', 3, 5), 0);
  assert.equal(moved('a', 1, 5), null);
  assert.equal(moved('ArrowDown', 0, 0), null);
});
