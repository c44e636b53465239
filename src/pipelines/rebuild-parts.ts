/** What a platform needs for rebuilds and for the past. */
import type { Settings } from '../config/settings.ts';
import { mentionedIdOf } from '../domains/social/documents.ts';
import type { SocialEvent } from '../domains/social/events.ts';
import type { ConsumerLogger } from '../kit/consumers/consumer-options.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { EventCodec } from '../kit/schemas/event-codec.ts';
import { FoldTurns } from './fold-turns.ts';
import { Histories } from './histories.ts';
import { LogRanges } from './log-range.ts';
import { deduplicationWindow, type Stores } from './open-stores.ts';
import type { Platform } from './platform.ts';
import type { Projection } from './projection.ts';
import { projectionStatus } from './projection-status.ts';
import { Rebuilds } from './rebuild.ts';
import { RecentKeys } from './recent-keys.ts';
import { STATE_AT_LIMITS, StateAt } from './state-at.ts';
import { domainFingerprint } from './state-at-made-by.ts';

export interface PastOptions {
  readonly log: EventLog;
  readonly codec: Pick<EventCodec<SocialEvent>, 'decode'>;
  readonly projections: readonly Projection[];
  readonly stores: Stores;
  readonly settings: Settings;
  readonly logger: ConsumerLogger;
  /** Ends what is under way. */
  readonly opened: AsyncDisposableStack;
}

export function openPast(
  options: PastOptions,
): Pick<Platform, 'projectionStatus' | 'rebuilds' | 'stateAt' | 'histories' | 'recentKeys' | 'logRange'> {
  const { log, codec, projections, stores, settings, logger, opened } = options;
  const parts = { log, codec, projections, logger };
  const turns = new FoldTurns(STATE_AT_LIMITS);
  const folds = { ...parts, turns, window: deduplicationWindow(settings), madeBy: domainFingerprint() };
  const stateAt = new StateAt({ ...folds, dataDir: settings.dataDir });
  const histories = new Histories({ ...folds, mentionedIdOf, past: stateAt });
  const ranges = new LogRanges(log);
  const recent = new RecentKeys(log, codec);
  const rebuilds = new Rebuilds({ ...parts, stores: stores.projections, restore: stores.restore, past: stateAt });
  opened.defer(() => stateAt.close());
  opened.defer(() => histories.close());
  opened.defer(() => rebuilds.close());
  return {
    projectionStatus: (projection) => projectionStatus(log, projection, stores.projections),
    rebuilds,
    stateAt,
    histories,
    recentKeys: (projection, query) => recent.find(projection, query),
    logRange: (request, signal) => ranges.range(request, signal),
  };
}
