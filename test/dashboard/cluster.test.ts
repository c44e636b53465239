/** The view of cluster and drills on the embedded log: what is missing is said, and a drill runs from a click to its verdict. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { platformForTests } from '../support/live-platform.ts';
import { axeViolations } from '../support/page-checks.ts';
import { shows } from '../support/shows.ts';

/** Embedded: needs nothing of the machine. */
const DRILL = 'clock-jump-embedded';

describe('cluster and drills, embedded', { skip: noBrowser, timeout: 120_000 }, () => {
  const browser = browserForTests();
  const temporary = process.env.TMPDIR;
  let own: string;
  before(async () => {
    own = await mkdtemp(join(tmpdir(), 'streamsocial-drills-'));
    // drills of other tests have turns of their own
    process.env.TMPDIR = join(own, 'tmp');
    await mkdir(process.env.TMPDIR);
  });
  after(async () => {
    if (temporary === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = temporary;
    await rm(own, { recursive: true, force: true });
  });

  test('one broker, this process; what a cluster would have is said, with the way to one', async (t) => {
    const { url } = await platformForTests(t);
    const { page } = await browser.open(t, `${url}/cluster`);
    await page.getByText('this process is its only broker').waitFor();
    await page.getByText('streamsocial up --log kafka').first().waitFor();
    await page.locator('[data-server="this process"]').getByText('RUNNING').waitFor();
    await shows(page.locator('[data-figure="brokers-answering"]'), '1');
    assert.equal(await page.getByRole('button', { name: /^(Kill|Pause|Stop)/ }).count(), 0);
    assert.equal(await page.locator('[data-figure="under-replicated"]').count(), 0, 'not shown as nought');
    assert.deepEqual(await axeViolations(page), []);
  });

  test('a drill: its options, its course while it runs, its verdict, its report; all by address', async (t) => {
    const { url } = await platformForTests(t);
    const { page } = await browser.open(t, `${url}/cluster/drills`, { theme: 'dark', width: 1000 });
    await page.getByText('No drill was run yet.').waitFor();
    await page.getByRole('button', { name: `Run ${DRILL}` }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Length of its phases').fill('9');
    await dialog.getByText('A number from 0.05 to 5.').waitFor();
    assert.equal(await dialog.getByRole('button', { name: `Run ${DRILL}` }).isDisabled(), true);
    assert.match(page.url(), /\?run=clock-jump-embedded$/);
    assert.deepEqual(await axeViolations(page), []);
    await dialog.getByLabel('Length of its phases').fill('0.15');
    await dialog.getByLabel('Load, events per second').fill('800');
    await dialog.getByRole('button', { name: `Run ${DRILL}` }).click();

    await page.waitForURL(/\/cluster\/drills\/runs\//);
    await page.getByRole('heading', { name: DRILL }).waitFor();
    // measured, and shown before the end
    await page.locator('.chart-plot canvas').first().waitFor();
    assert.equal(await page.locator('[data-figure="drill-state"]').innerText(), 'running');
    await page.getByText(/criteria were (not )?met/).waitFor({ timeout: 60_000 });
    const verdict = page.getByRole('table', { name: 'Criteria' });
    await verdict.getByRole('row', { name: /^lost none 0 met$/ }).waitFor();
    await page.getByText('clock set by 1 h').first().waitFor();
    assert.deepEqual(await axeViolations(page), []);

    await page.getByRole('link', { name: 'Its report' }).click();
    await page.getByText('What the checker looked at').waitFor();
    await verdict.getByRole('row', { name: /^lost none 0 met$/ }).waitFor();
    const address = page.url();
    await page.reload();
    await page.getByRole('heading', { name: DRILL }).waitFor();
    assert.equal(page.url(), address);
    assert.deepEqual(await axeViolations(page), []);
    await page
      .getByRole('navigation', { name: 'Breadcrumb' })
      .getByRole('link', { name: 'Drills', exact: true })
      .click();
    await page.getByText('1 report', { exact: true }).waitFor();
  });

  test('a drill is cancelled; runs and reports that are not there are told of', async (t) => {
    const { url } = await platformForTests(t);
    const { page, guard } = await browser.open(t, `${url}/cluster/drills?run=${DRILL}`, { width: 390 });
    await page
      .getByRole('dialog')
      .getByRole('button', { name: `Run ${DRILL}` })
      .click();
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the run' }).click();
    await page.locator('[data-figure="drill-state"]').getByText('cancelled', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Cancel the run' }).waitFor({ state: 'detached' });

    guard.expect(/status of 404/);
    await page.goto(`${url}/cluster/drills/runs/none`);
    await page.getByText('This server knows of no such run').waitFor();
    await page.goto(`${url}/cluster/drills/reports/none`);
    await page.getByText('There is no such report').waitFor();
    assert.deepEqual(await axeViolations(page), []);
  });
});
