import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { DemoReport } from '../../src/pipelines/demo.ts';
import type { RebuildReport } from '../../src/pipelines/rebuild.ts';
import type { Reconciliation } from '../../src/pipelines/reconciliation.ts';
import { dataDirectory, getJson, launch, run, type Server, untilQuiet, up } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';

const EVENTS = 20_000;
const RATE = 2_000;
const MAX_ATTEMPTS = 5;
const demo = ['--demo-events', String(EVENTS), '--demo-rate', String(RATE), '--demo-seed', '11'];

async function published({ url }: Server): Promise<number> {
  const { demo: report } = await getJson<{ demo: DemoReport | null }>(`${url}/api/status`);
  return report?.published ?? 0;
}

async function overHttp({ url }: Server): Promise<RebuildReport> {
  const address = `${url}/api/v1/projections/engagement/rebuild`;
  const headers = { 'content-type': 'application/json' };
  const begun = await fetch(address, { method: 'POST', headers, body: '{"shadow":true}' });
  assert.equal(begun.status, 202, await begun.text());
  return until(async () => {
    const report = await getJson<RebuildReport>(address);
    return report.state !== 'RUNNING' && report;
  });
}

function rebuildArguments(directory: string, ...more: string[]): string[] {
  return ['projections', 'rebuild', 'engagement', '--shadow', '--json', '--data-dir', directory, ...more];
}

describe(`a rebuild under ${RATE} events a second`, { concurrency: true }, () => {
  it('is swapped in, equals the fold of the log, and can be asked for the past', async (t) => {
    const directory = await dataDirectory(t);
    const server = await up(t, directory, demo);
    await until(async () => (await published(server)) > EVENTS / 10, { what: 'a tenth of the traffic' });
    const middle = new Date().toISOString();
    const before = await published(server);
    const first = await overHttp(server);
    assert.ok((await published(server)) > before, 'there was traffic meanwhile');
    const second = await overHttp(server);
    assert.deepEqual(
      [first, second].map(({ swapped, version }) => [swapped, version]),
      [
        [true, 2],
        [true, 3],
      ],
    );
    assert.ok(first.folded > 0);

    await until(async () => (await published(server)) >= EVENTS, { what: 'the end of the traffic' });
    await untilQuiet(server.url);
    const verified = await run(['verify', '--data-dir', directory, '--json']);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    assert.equal((JSON.parse(verified.stdout) as Reconciliation).differing, 0);
    const compared = await run(rebuildArguments(directory, '--diff'));
    assert.equal(compared.code, 0, compared.stdout + compared.stderr);
    const { comparison } = JSON.parse(compared.stdout) as RebuildReport;
    assert.deepEqual([comparison!.differing, comparison!.compared > 100], [0, true]);

    const views = async (at: string) => {
      const asked = await run([
        'state',
        'at',
        at,
        '--projection',
        'engagement',
        '--key',
        'post_0',
        '--json',
        '--data-dir',
        directory,
      ]);
      assert.equal(asked.code, 0, asked.stderr);
      return (JSON.parse(asked.stdout) as { document: { views: number } }).document.views;
    };
    const live = await getJson<{ views: number }>(`${server.url}/api/v1/engagement/post_0`);
    const [then, now] = [await views(middle), await views(new Date().toISOString())];
    assert.equal(now, live.views);
    assert.ok(then > 0 && then < now, `${then} of ${now}`);
    assert.equal(await server.end('SIGTERM'), 0);
  });

  it('ends with Ctrl-C, and leaves nothing behind', async (t) => {
    const directory = await dataDirectory(t);
    const seeded = await run([
      'demo',
      '--events',
      '20000',
      '--rate',
      '0',
      '--data-dir',
      directory,
      '--broker-port',
      '0',
    ]);
    assert.equal(seeded.code, 0, seeded.stdout + seeded.stderr);
    const files = async () =>
      (await readdir(join(directory, 'projections'))).filter((name) => /^engagement-v\d+\.db/.test(name));
    // one that is done before Ctrl-C arrives is tried again
    for (let attempt = 1, code: number | null = 0; code === 0; attempt += 1) {
      const before = await files();
      const rebuilding = launch(t, rebuildArguments(directory));
      await until(async () => (await files()).length > before.length, { everyMs: 2, what: 'the version beside' });
      rebuilding.child.kill('SIGINT');
      code = await rebuilding.ended;
      if (code === 0 && attempt < MAX_ATTEMPTS) continue;
      assert.equal(code, 130, rebuilding.output());
      assert.match(rebuilding.output(), /cancelled; the live version is as it was/);
      assert.deepEqual(await files(), before);
    }
    const unknown = await run(['projections', 'rebuild', 'nothing', '--shadow', '--data-dir', directory]);
    assert.equal(unknown.code, 5, unknown.stderr);
  });
});
