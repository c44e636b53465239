/** The reports that runs have left, the command line's too. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DrillReport } from './report.ts';

/** As `run-drill.ts` names the folder of a run. */
const FOLDER = /^([a-z][a-z-]{0,60})-(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-\d{3}Z)$/;
/** A report of five minutes has 300 KiB. */
const MAX_REPORT_BYTES = 8 * 1024 * 1024;
const MAX_KEPT = 500;

export interface ReportHead
  extends Pick<
    DrillReport,
    'drill' | 'startedAt' | 'durationS' | 'passed' | 'ratePerSecond' | 'seed' | 'scale' | 'sabotage'
  > {
  readonly id: string;
  /** Names of the criteria that were not met. */
  readonly missed: readonly string[];
}

export class ReportFolder {
  readonly #directory: string;
  /** A report is never changed. */
  readonly #heads = new Map<string, ReportHead>();

  /** @param directory need not be there */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Of every run, by the name of its folder, the newest first. */
  async ids(): Promise<string[]> {
    const entries = await readdir(this.#directory).catch(() => []);
    return entries.filter((name) => FOLDER.test(name)).sort((a, b) => stampOf(b).localeCompare(stampOf(a)));
  }

  /** Those that cannot be read are left out. */
  async heads(ids: readonly string[]): Promise<ReportHead[]> {
    const heads: ReportHead[] = [];
    for (const id of ids) {
      const head = await this.#head(id);
      if (head !== null) heads.push(head);
    }
    return heads;
  }

  /** Null where there is none of this name, or none that can be read: it is no report, or larger than 8 MiB. */
  async read(id: string): Promise<DrillReport | null> {
    if (!FOLDER.test(id)) return null;
    const file = await open(join(this.#directory, id, 'report.json')).catch(() => null);
    if (file === null) return null;
    try {
      if ((await file.stat()).size > MAX_REPORT_BYTES) return null;
      const report = JSON.parse(await file.readFile('utf8'));
      return isReport(report) ? report : null;
    } catch {
      return null;
    } finally {
      await file.close();
    }
  }

  async #head(id: string): Promise<ReportHead | null> {
    const known = this.#heads.get(id);
    if (known !== undefined) return known;
    const report = await this.read(id);
    // it may be being written
    if (report === null) return null;
    const head = headOf(id, report);
    if (this.#heads.size >= MAX_KEPT) this.#heads.delete(this.#heads.keys().next().value!);
    this.#heads.set(id, head);
    return head;
  }
}

/** `broker-kill-2026-05-27T14-00-00-000Z` -> `broker-kill` */
export function drillOf(id: string): string {
  return FOLDER.exec(id)?.[1] ?? '';
}

function stampOf(id: string): string {
  return FOLDER.exec(id)?.[2] ?? '';
}

function headOf(id: string, report: DrillReport): ReportHead {
  const { drill, startedAt, durationS, passed, ratePerSecond, seed, scale, sabotage, criteria } = report;
  const missed = criteria.filter(({ pass }) => !pass).map(({ name }) => name);
  return { id, drill, startedAt, durationS, passed, ratePerSecond, seed, scale, sabotage, missed };
}

/** Written by another version, or by somebody. */
function isReport(value: unknown): value is DrillReport {
  const { drill, startedAt, criteria, findings, timeline, marks } = (value ?? {}) as Partial<DrillReport>;
  return (
    typeof drill === 'string' &&
    typeof startedAt === 'string' &&
    [criteria, findings, timeline, marks].every((list) => Array.isArray(list))
  );
}
