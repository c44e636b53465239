/** Replays that go on by themselves, one at a time: begun, looked at, cancelled, and followed to what became of each event. */
import { randomUUID } from 'node:crypto';
import { type Clock, steadyClock } from '../clock.ts';
import { isKitError, KitError } from '../errors.ts';
import { noLongerThan } from '../waiting.ts';
import type { DeadLetterQueue, ReplayItem, ReplayRequest } from './dead-letter-queue.ts';

/** An event on its way to be applied again. */
export interface SentAgain {
  /** Of its dead letter. */
  readonly id: string;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Its new place. */
  readonly offset: number;
}

/**
 * What the group that had given an event up has made of it since. `applied`: its effect is stored, once, now or earlier.
 * `unknown`: nobody here knows how far that group is.
 */
export type Fate = 'pending' | 'parked' | 'applied' | 'dead' | 'unknown';

export type JobState = 'RUNNING' | 'DONE' | 'CANCELLED' | 'FAILED';

export type ReplayJobRequest = Pick<
  ReplayRequest,
  'ids' | 'all' | 'repaired' | 'topic' | 'code' | 'group' | 'fingerprint' | 'text' | 'since' | 'until'
> & {
  /** Default 100. */
  readonly ratePerSecond?: number;
};

export interface ReplayPlan {
  /** What would be sent. */
  readonly planned: number;
  readonly refused: number;
  /** The refused ones, at most 100. */
  readonly refusals: readonly ReplayItem[];
  readonly ratePerSecond: number;
  /** At that rate. */
  readonly durationMs: number;
}

export interface ReplayJobReport extends Omit<ReplayPlan, 'refusals'> {
  readonly id: string;
  readonly state: JobState;
  /** Whether it runs and was told to end. */
  readonly cancelling: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly sent: number;
  readonly failed: number;
  /** Since it began; null before the first is sent. */
  readonly sentPerSecond: number | null;
  /** Null unless it runs and has sent some. */
  readonly etaMs: number | null;
  /** The first 100 that were refused or failed. */
  readonly problems: readonly ReplayItem[];
  /** Why its state is FAILED. */
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly fates: Readonly<Record<Fate, number>>;
  /** The first 20 that are dead letters again, by the ids of these new ones. */
  readonly deadAgain: readonly string[];
}

export interface ReplayJobsOptions {
  readonly queue: Pick<DeadLetterQueue, 'replay' | 'find'>;
  /** One fate for each, in their order. */
  fatesOf(sent: readonly SentAgain[]): Promise<readonly Fate[]>;
  readonly clock?: Clock;
}

const DEFAULT_RATE = 100;
/** Reports of jobs that are over. */
const MAX_JOBS = 20;
const MAX_PROBLEMS = 100;
const MAX_DEAD_AGAIN = 20;
/** Events whose fate is asked for at a time. */
const MAX_ASKED = 2_000;
/** How long a cancelled job is waited for: the send that is under way may hang. */
const CANCEL_MS = 1_000;

interface Job {
  readonly id: string;
  readonly planned: number;
  readonly ratePerSecond: number;
  readonly startedAt: number;
  readonly cancel: AbortController;
  state: JobState;
  endedAt: number | null;
  sent: number;
  refused: number;
  failed: number;
  problems: ReplayItem[];
  error: ReplayJobReport['error'];
  /** Whose fate is not settled yet. */
  open: SentAgain[];
  readonly fates: Record<Fate, number>;
  deadAgain: string[];
  ended: Promise<void>;
}

export class ReplayJobs {
  readonly #options: ReplayJobsOptions;
  readonly #clock: Clock;
  /** The newest last. */
  readonly #jobs = new Map<string, Job>();
  #starting = false;
  #closed = false;

  constructor(options: ReplayJobsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? steadyClock;
  }

  /** What a job would do. @throws KitError INVALID_REPLAY, REPLAY_IN_PROGRESS, LOG_UNAVAILABLE */
  async plan(request: ReplayJobRequest): Promise<ReplayPlan> {
    const { ratePerSecond = DEFAULT_RATE } = request;
    const items = await this.#options.queue.replay({ ...request, execute: false });
    const refusals = items.filter(({ status }) => status !== 'planned');
    const planned = items.length - refusals.length;
    return {
      planned,
      refused: refusals.length,
      refusals: refusals.slice(0, MAX_PROBLEMS),
      ratePerSecond,
      durationMs: Math.round((planned * 1_000) / ratePerSecond),
    };
  }

  /** Begins one; it goes on by itself. @throws KitError what `plan` throws, SHUTTING_DOWN */
  async start(request: ReplayJobRequest): Promise<ReplayJobReport> {
    if (this.#closed) throw new KitError('SHUTTING_DOWN', 'the system is shutting down', { retriable: true });
    // asked before the first pause, so that of two who begin at once one is told
    if (this.#starting || this.#running() !== undefined) throw inProgress();
    this.#starting = true;
    try {
      const { planned, ratePerSecond } = await this.plan(request);
      const job = newJob(planned, ratePerSecond, this.#clock.now());
      this.#jobs.set(job.id, job);
      for (const id of this.#jobs.keys()) if (this.#jobs.size > MAX_JOBS) this.#jobs.delete(id);
      job.ended = this.#run(job, request);
      return this.#reportOf(job);
    } finally {
      this.#starting = false;
    }
  }

  /** @throws KitError UNKNOWN_REPLAY, and what keeps the fates from being known: STORE_UNAVAILABLE, LOG_UNAVAILABLE */
  async report(id: string): Promise<ReplayJobReport> {
    const job = this.#job(id);
    await this.#follow(job);
    return this.#reportOf(job);
  }

  /** As last looked at, the newest first. */
  reports(): ReplayJobReport[] {
    return [...this.#jobs.values()].reverse().map((job) => this.#reportOf(job));
  }

  /** Sends no more of it; the one under way may still be sent. @throws KitError UNKNOWN_REPLAY */
  async cancel(id: string): Promise<ReplayJobReport> {
    const job = this.#job(id);
    await this.#stop(job);
    return this.#reportOf(job);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const job = this.#running();
    if (job !== undefined) await this.#stop(job);
  }

  async #stop(job: Job): Promise<void> {
    job.cancel.abort();
    await noLongerThan(CANCEL_MS, job.ended, this.#clock);
  }

  async #run(job: Job, request: ReplayJobRequest): Promise<void> {
    const { signal } = job.cancel;
    try {
      await this.#options.queue.replay({
        ...request,
        ratePerSecond: job.ratePerSecond,
        execute: true,
        signal,
        onItem: (item) => this.#note(job, item),
      });
      if (job.state === 'RUNNING') job.state = signal.aborted ? 'CANCELLED' : 'DONE';
    } catch (error) {
      const { code, message } = isKitError(error) ? error : { code: 'REPLAY_FAILED', message: String(error) };
      job.state = 'FAILED';
      job.error = { code, message };
    }
    job.endedAt = this.#clock.now();
  }

  #note(job: Job, item: ReplayItem): void {
    const { id, status, topic, partition, offset } = item;
    if (status === 'sent') {
      job.sent++;
      job.fates.pending++;
      job.open.push({ id, group: groupIn(item), topic, partition, offset: offset! });
      return;
    }
    if (status === 'refused') job.refused++;
    else job.failed++;
    if (job.problems.length < MAX_PROBLEMS) job.problems.push(item);
    if (status !== 'failed' || item.retriable !== true) return;
    // it would fail for the next one alike
    job.state = 'FAILED';
    job.error = { code: item.code!, message: item.reason! };
    job.cancel.abort();
  }

  async #follow(job: Job): Promise<void> {
    const asked = job.open.slice(0, MAX_ASKED);
    if (asked.length === 0) return;
    const fates = await this.#options.fatesOf(asked);
    const found = new Map(asked.map((one, index) => [one, fates[index]!] as const));
    // counted anew for those that were asked; another look may have settled some of them meanwhile
    const before = job.open;
    job.open = before.filter((one) => !isSettled(found.get(one)));
    for (const one of before) {
      const fate = found.get(one);
      if (!isSettled(fate)) continue;
      job.fates[fate]++;
      if (fate === 'dead' && job.deadAgain.length < MAX_DEAD_AGAIN) job.deadAgain.push(newIdOf(one));
    }
    const parked = job.open.filter((one) => found.get(one) === 'parked').length;
    job.fates.parked = parked;
    job.fates.pending = job.open.length - parked;
  }

  #reportOf(job: Job): ReplayJobReport {
    const { id, state, planned, ratePerSecond, startedAt, endedAt, sent, refused, failed } = job;
    const elapsedMs = Math.max(1, (endedAt ?? this.#clock.now()) - startedAt);
    const sentPerSecond = sent === 0 ? null : (sent * 1_000) / elapsedMs;
    const left = Math.max(0, planned - sent - failed);
    return {
      id,
      state,
      cancelling: endedAt === null && job.cancel.signal.aborted,
      planned,
      ratePerSecond,
      durationMs: Math.round((planned * 1_000) / ratePerSecond),
      startedAt,
      endedAt,
      sent,
      refused,
      failed,
      sentPerSecond,
      etaMs: state === 'RUNNING' && sentPerSecond !== null ? Math.round((left * 1_000) / sentPerSecond) : null,
      problems: job.problems,
      error: job.error,
      fates: { ...job.fates },
      deadAgain: job.deadAgain,
    };
  }

  #job(id: string): Job {
    const job = this.#jobs.get(id);
    if (job !== undefined) return job;
    throw new KitError('UNKNOWN_REPLAY', `there is no replay ${id}, or it was too long ago`, { details: { id } });
  }

  #running(): Job | undefined {
    return [...this.#jobs.values()].find(({ endedAt }) => endedAt === null);
  }
}

/** The id that the dead letter of this event has if its group gives it up again. */
export function newIdOf({ group, topic, partition, offset }: SentAgain): string {
  return `${group}/${topic}/${partition}/${offset}`;
}

/** Ids begin with the group, which may have slashes of its own. */
function groupIn({ id }: ReplayItem): string {
  return id.split('/').slice(0, -3).join('/');
}

function isSettled(fate: Fate | undefined): fate is 'applied' | 'dead' | 'unknown' {
  return fate === 'applied' || fate === 'dead' || fate === 'unknown';
}

function newJob(planned: number, ratePerSecond: number, startedAt: number): Job {
  return {
    id: randomUUID(),
    planned,
    ratePerSecond,
    startedAt,
    cancel: new AbortController(),
    state: 'RUNNING',
    endedAt: null,
    sent: 0,
    refused: 0,
    failed: 0,
    problems: [],
    error: null,
    open: [],
    fates: { pending: 0, parked: 0, applied: 0, dead: 0, unknown: 0 },
    deadAgain: [],
    ended: Promise.resolve(),
  };
}

function inProgress(): KitError {
  return new KitError('REPLAY_IN_PROGRESS', 'another replay is under way; wait for it, or cancel it', {
    retriable: true,
  });
}
