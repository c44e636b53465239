/** How far a replay is, in words. Pure. */
import type { ReplayJobJson } from '../../../api/dead-letter-replays.ts';
import { count, duration, plural, rate } from '../../format.ts';
import type { StateKind } from '../../parts/state-kind.ts';

export function stateKind({ state }: ReplayJobJson): StateKind {
  return ({ RUNNING: 'busy', DONE: 'ok', CANCELLED: 'idle', FAILED: 'bad' } as const)[state];
}

export function stateWords({ state, cancelling }: ReplayJobJson): string {
  if (state === 'RUNNING') return cancelling ? 'ending …' : 'sending';
  return { DONE: 'done', CANCELLED: 'cancelled', FAILED: 'failed' }[state];
}

export function progressWords(job: ReplayJobJson): string {
  const { sent, planned, sent_per_second, eta_ms, state } = job;
  const speed = sent_per_second === null || sent < 2 ? '' : `, ${rate(sent_per_second)}`;
  const left = state !== 'RUNNING' || eta_ms === null ? '' : `, ${duration(eta_ms)} left`;
  return `${count(sent)} of ${count(planned)} sent${speed}${left}`;
}

/** What became of what was sent. */
export function outcomeWords({ sent, fates }: ReplayJobJson): string {
  const { pending, parked, applied, dead, unknown } = fates;
  if (sent === 0) return 'Nothing was sent.';
  const parts = [
    applied === 0 ? '' : `${count(applied)} counted${applied === 1 ? '' : ', each'} once`,
    pending === 0 ? '' : `${count(pending)} on the way to the handler`,
    parked === 0 ? '' : `${count(parked)} parked for another attempt`,
    dead === 0 ? '' : `${plural(dead, 'dead letter')} again`,
    unknown === 0 ? '' : `${count(unknown)} not followed: their group is no projection`,
  ].filter(Boolean);
  return `Of ${plural(sent, 'event')} sent: ${parts.join(', ')}.`;
}

export function isSettled({ state, fates }: ReplayJobJson): boolean {
  return state !== 'RUNNING' && fates.pending + fates.parked === 0;
}
