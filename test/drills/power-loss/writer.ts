/** Writes as its argument says, tells what it did, and waits for its end. */
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const [scenario, directory] = process.argv.slice(2) as [keyof typeof SCENARIOS, string];
const at = (name: string) => join(directory, name);

function synced(name: string, text: string): number {
  const file = openSync(at(name), 'w');
  writeSync(file, text);
  fsyncSync(file);
  return file;
}

function insert(synchronous: string): void {
  const db = new DatabaseSync(at('rows.db'));
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (n INTEGER)`);
  db.exec(`PRAGMA synchronous = ${synchronous}`);
  for (let n = 1; n <= 100; n++) db.exec(`INSERT INTO rows VALUES (${n})`);
}

const SCENARIOS = {
  async files() {
    writeSync(synced('overwritten', 'old content, synced'), 'NEW', 4);
    writeSync(synced('appended', 'synced'), ' and not');
    ftruncateSync(synced('cut', 'this is long'), 4);
    const both = synced('synced-twice', 'one');
    writeSync(both, ' two');
    fdatasyncSync(both);
    writeFileSync(at('never-synced'), 'gone');
    mkdirSync(at('folder'));
    closeSync(synced('folder/replaced', 'the old one'));
    writeFileSync(at('folder/replacement'), 'not synced before its rename');
    renameSync(at('folder/replacement'), at('folder/replaced'));
    synced('truncated', 'what it was');
    writeFileSync(at('truncated'), 'by opening it');
    const pooled = await open(at('from-the-pool'), 'w');
    await pooled.writev([Buffer.from('several '), Buffer.from('parts')]);
    await pooled.datasync();
    await pooled.write(' and more', 13);
  },
  'sqlite-full': async () => insert('FULL'),
  'sqlite-off': async () => insert('OFF'),
};

await SCENARIOS[scenario]();
console.log('done');
setInterval(() => {}, 60_000);
