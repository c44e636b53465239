/** Drills through the API, as `streamsocial up` hands them to it: a real one to its verdict, and what is left when it is cut short. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DrillCatalog, DrillReportDocument, DrillRun } from '../../src/api/drills.ts';
import { ServedDrills } from '../../src/cli/served-drills.ts';
import { openApi } from '../api/support/fake-platform.ts';
import { up } from '../support/streamsocial.ts';
import { until } from '../support/until.ts';

/** Embedded, with a process of its own for platform and load: needs nothing of the machine. */
const DRILL = 'clock-jump-embedded';
const SHORT = { scale: 0.1, rate_per_second: 1_000, seed: 3 };

/** Of every process that this test's directory is named to. */
async function processesOf(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(directory)) found.push(line.replaceAll('\0', ' '));
  }
  return found;
}

describe('drills of a server', { timeout: 120_000, skip: process.platform !== 'linux' && 'reads /proc' }, () => {
  let directory: string;
  let data: string;
  const temporary = process.env.TMPDIR;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streamsocial-served-'));
    data = join(directory, 'data');
    // so that it waits for nobody's turn, and what it leaves behind is seen
    process.env.TMPDIR = join(directory, 'tmp');
    await mkdir(process.env.TMPDIR);
  });
  after(async () => {
    if (temporary === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = temporary;
    await rm(directory, { recursive: true, force: true });
  });

  const open = (onChange?: ConstructorParameters<typeof ServedDrills>[1]) => {
    const drills = new ServedDrills(data, onChange);
    const api = openApi({ parts: { drills } });
    const ask = async <T>(method: 'GET' | 'POST' | 'DELETE', path: string, payload?: object) => {
      const answer = await api.app.inject({ method, url: `/api/v1/drills${path}`, ...(payload && { payload }) });
      return { status: answer.statusCode, body: answer.json() as T };
    };
    const untilEnded = (id: string) =>
      until(
        async () => {
          const { body } = await ask<DrillRun>('GET', `/runs/${id}`);
          return body.ended_at !== null && body;
        },
        { timeoutMs: 60_000, everyMs: 100, what: 'the end of the drill' },
      );
    return {
      ask,
      untilEnded,
      async [Symbol.asyncDispose]() {
        await drills.close(10_000);
        await api[Symbol.asyncDispose]();
      },
    };
  };

  it('run to a verdict: live while it goes on, then as its report', async () => {
    const changes: string[] = [];
    await using api = open(({ drill, state }) => changes.push(`${drill} ${state}`));
    const { status, body: begun } = await api.ask<DrillRun>('POST', `/${DRILL}/runs`, SHORT);
    assert.deepEqual([status, begun.state, begun.seed, begun.sabotage], [202, 'RUNNING', 3, null]);
    const second = await api.ask<{ code: string; run: string }>('POST', `/${DRILL}/runs`, SHORT);
    assert.deepEqual([second.status, second.body.code, second.body.run], [409, 'DRILL_RUNNING', begun.id]);

    const live = await until(
      async () => {
        const { body } = await api.ask<DrillRun>('GET', `/runs/${begun.id}`);
        return body.timeline.total > 2 && body;
      },
      { timeoutMs: 30_000, everyMs: 100, what: 'live buckets' },
    );
    assert.equal(live.state, 'RUNNING', 'there is something to see before the end');
    assert.ok(live.timeline.buckets.some(({ acked, p99_ms }) => acked > 0 && p99_ms !== null));
    assert.ok(live.progress.length > 0);
    const part = await api.ask<DrillRun>('GET', `/runs/${begun.id}?from_bucket=2`);
    assert.equal(part.body.timeline.from, 2);
    assert.equal(part.body.timeline.buckets[0]!.at_ms, 500);

    const run = await api.untilEnded(begun.id);
    assert.ok(run.state === 'PASSED' || run.state === 'FAILED', JSON.stringify(run.error));
    assert.equal(run.verdict!.error, null);
    assert.equal(run.verdict!.passed, run.state === 'PASSED');
    const rows = run.verdict!.criteria;
    assert.ok(rows.length > 10 && rows.every(({ limit, measured }) => limit !== '' && measured !== ''));
    assert.equal(rows.find(({ name }) => name === 'lost')!.pass, true);
    assert.ok(run.marks.some(({ label }) => label === 'clock set by 1 h'));
    assert.deepEqual(changes, [`${DRILL} RUNNING`, `${DRILL} ${run.state}`]);

    const { body: report } = await api.ask<DrillReportDocument>('GET', `/reports/${run.report}`);
    assert.deepEqual(report.verdict, run.verdict);
    assert.deepEqual(report.timeline, run.timeline);
    assert.ok(report.checked!.in_log! > 0);
    const { body: list } = await api.ask<{ reports: { id: string }[]; total: number }>('GET', '/reports');
    assert.deepEqual([list.reports.map(({ id }) => id), list.total], [[run.report], 1]);
    const { body: catalog } = await api.ask<DrillCatalog>('GET', '');
    const entry = catalog.drills.find(({ name }) => name === DRILL)!;
    assert.equal(entry.last_report!.id, run.report);
    assert.equal(entry.missing, null);
    assert.ok(entry.promises.every((promise) => promise in catalog.promises));
    assert.equal(catalog.run!.id, run.id);
  });

  it('cancelled: its processes and files are gone, and it has no verdict', async () => {
    await using api = open();
    const { body: begun } = await api.ask<DrillRun>('POST', `/${DRILL}/runs`, { ...SHORT, scale: 5 });
    await until(async () => (await api.ask<DrillRun>('GET', `/runs/${begun.id}`)).body.timeline.total > 0, {
      timeoutMs: 30_000,
      what: 'its load',
    });
    assert.equal((await processesOf(directory)).length, 2, 'the drill, and its platform');
    const { body: cancelling } = await api.ask<DrillRun>('DELETE', `/runs/${begun.id}`);
    assert.equal(cancelling.state, 'CANCELLING');
    const run = await api.untilEnded(begun.id);
    assert.deepEqual([run.state, run.verdict, run.report], ['CANCELLED', null, null]);
    assert.deepEqual(await processesOf(directory), []);
    assert.deepEqual(await readdir(process.env.TMPDIR!), []);
    const again = await api.ask<DrillRun>('DELETE', `/runs/${begun.id}`);
    assert.equal(again.body.state, 'CANCELLED');
  });

  it('of a server that is killed: they end with it', async (t) => {
    const server = await up(t, data, ['--no-demo']);
    const body = JSON.stringify({ ...SHORT, scale: 5 });
    const headers = { 'content-type': 'application/json' };
    const started = await fetch(`${server.url}/api/v1/drills/${DRILL}/runs`, { method: 'POST', body, headers });
    assert.equal(started.status, 202);
    // up, the drill, its platform
    await until(async () => (await processesOf(directory)).length === 3, { timeoutMs: 30_000, what: 'its platform' });
    await server.end('SIGKILL');
    await until(async () => (await processesOf(directory)).length === 0, { timeoutMs: 15_000, what: 'their end' });
    assert.deepEqual(await readdir(process.env.TMPDIR!), []);
  });

  it('that cannot be: unknown, with unknown options, without a run or a report of that name', async () => {
    await using api = open();
    for (const [method, path, payload, status, code] of [
      ['POST', '/no-such/runs', {}, 404, 'UNKNOWN_DRILL'],
      ['POST', `/${DRILL}/runs`, { sabotage: 'coffee' }, 400, 'INVALID_ARGUMENT'],
      ['POST', `/${DRILL}/runs`, { scale: 1_000 }, 400, 'INVALID_ARGUMENT'],
      ['POST', `/${DRILL}/runs`, { rate: 1 }, 400, 'INVALID_ARGUMENT'],
      ['GET', '/runs/none', undefined, 404, 'UNKNOWN_DRILL_RUN'],
      ['DELETE', '/runs/none', undefined, 404, 'UNKNOWN_DRILL_RUN'],
      ['GET', '/reports/none', undefined, 404, 'UNKNOWN_DRILL_REPORT'],
      ['GET', '/reports/..%2F..%2Fetc', undefined, 404, 'UNKNOWN_DRILL_REPORT'],
    ] as const) {
      const answer = await api.ask<{ code: string }>(method, path, payload);
      assert.deepEqual([answer.status, answer.body.code], [status, code], path);
    }
  });

  it('reports that are no reports are left out', async () => {
    const drills = new ServedDrills(join(directory, 'strange'));
    assert.deepEqual(await drills.reports({ drill: null, limit: 10 }), { reports: [], total: 0 });
    for (const [index, text] of ['{', '{"drill":1}', 'null', '[]'].entries()) {
      const folder = join(directory, 'strange', 'drills', `broker-kill-2026-01-0${index + 1}T00-00-00-000Z`);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'report.json'), text);
    }
    assert.deepEqual((await drills.reports({ drill: 'broker-kill', limit: 10 })).reports, []);
    await assert.rejects(drills.report('broker-kill-2026-01-01T00-00-00-000Z'), { code: 'UNKNOWN_DRILL_REPORT' });
  });
});
