import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { seededRandom } from '../../../src/domains/social/seeded-random.ts';
import { none, some, undo } from '../../../src/drills/faults/power-loss/undo.ts';
import { readUndoJournal, type UndoRecord } from '../../../src/drills/faults/power-loss/undo-journal.ts';

const SECTOR = 4;

/** A file as it was fsynced, the writes that came after, and what they leave. */
class Story {
  readonly path: string;
  readonly records: UndoRecord[] = [];
  /** The file after so many of the writes; the first is what was fsynced. */
  readonly versions: Buffer[];

  constructor(t: TestContext, synced: string) {
    const directory = mkdtempSync(join(tmpdir(), 'undo-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    this.path = join(directory, 'file');
    this.versions = [Buffer.from(synced)];
  }

  write(offset: number, text: string): void {
    const before = this.versions.at(-1)!;
    const after = Buffer.alloc(Math.max(before.length, offset + text.length));
    before.copy(after);
    after.write(text, offset);
    this.#add({ kind: 'written', offset, length: text.length }, before.subarray(offset, offset + text.length), after);
  }

  resize(size: number): void {
    const before = this.versions.at(-1)!;
    const after = Buffer.alloc(size);
    before.copy(after);
    this.#add({ kind: 'resized', offset: size, length: 0 }, before.subarray(size), after);
  }

  /** What is left of it. */
  lose(survivors: (writes: number) => number): string {
    writeFileSync(this.path, this.versions.at(-1)!);
    undo(this.path, this.records, survivors, SECTOR);
    return readFileSync(this.path, 'latin1');
  }

  #add(record: Pick<UndoRecord, 'kind' | 'offset' | 'length'>, saved: Buffer, after: Buffer): void {
    this.records.push({ ...record, size: this.versions.at(-1)!.length, saved: Buffer.from(saved) });
    this.versions.push(after);
  }
}

function overwritten(t: TestContext): Story {
  const story = new Story(t, 'aaaabbbbcc');
  story.write(2, 'XXXXXX');
  story.write(6, 'YYYYYYYY');
  story.resize(5);
  story.write(0, 'ZZ');
  return story;
}

describe('writes that are taken back', () => {
  test('all of them: the file is what was fsynced', (t) => {
    assert.equal(overwritten(t).lose(none), 'aaaabbbbcc');
  });

  test('none of them: the file is as it is', (t) => {
    assert.equal(
      overwritten(t).lose((writes) => writes),
      'ZZXXX',
    );
  });

  test('some: every sector is one of those that it has been, and sectors differ', (t) => {
    const { next } = seededRandom(7);
    const outcomes = new Set<string>();
    for (let run = 0; run < 200; run++) {
      const story = overwritten(t);
      const left = story.lose(some(next));
      outcomes.add(left);
      assert.ok(story.versions.some(({ length }) => length === left.length));
      for (let at = 0; at < left.length; at += SECTOR) {
        const sector = left.slice(at, at + SECTOR);
        const seen = story.versions.map((version) =>
          version
            .toString('latin1')
            .padEnd(14, '\0')
            .slice(at, at + sector.length),
        );
        assert.ok(seen.includes(sector), `${JSON.stringify(sector)} at ${at} was never written`);
      }
    }
    assert.ok(outcomes.size > 10, `${outcomes.size} different outcomes`);
    assert.ok(outcomes.has('aaaaXXYYYY'), 'a later write may be there where an earlier one is not');
  });
});

test('a journal that the kill cut short ends before its last record', () => {
  const header = Buffer.alloc(40);
  header.writeUInt32LE(0x4f444e55, 0);
  header.writeUInt32LE(2, 4);
  header.writeBigInt64LE(9n, 8);
  header.writeBigInt64LE(5n, 16);
  header.writeBigInt64LE(12n, 24);
  header.writeBigInt64LE(3n, 32);
  const journal = Buffer.concat([header, Buffer.from('old'), header, Buffer.from('ol')]);
  assert.deepEqual(readUndoJournal(journal), [
    { kind: 'written', offset: 9, length: 5, size: 12, saved: Buffer.from('old') },
  ]);
  assert.throws(() => readUndoJournal(Buffer.alloc(40)), /no undo record/);
});
