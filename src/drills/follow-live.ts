/** Tells what a drill measures while it goes on. */
import { setTimeout as delay } from 'node:timers/promises';
import { HistoryFollower } from './history/follow-history.ts';
import { LiveTimeline, type LiveUpdate } from './live-timeline.ts';

const EVERY_MS = 300;

/**
 * Begins at once; the answer ends it. A history that cannot be read ends it too: the verdict does not depend on it, and names
 * what is wrong with the file.
 *
 * @param files the histories so far, asked for at every look
 */
export function followLive(
  files: () => readonly string[],
  bucketMs: number,
  onLive: (update: LiveUpdate) => void,
): () => Promise<void> {
  const stop = new AbortController();
  const followed = follow(files, bucketMs, onLive, stop.signal).catch(() => {});
  return async () => {
    stop.abort();
    await followed;
  };
}

async function follow(
  files: () => readonly string[],
  bucketMs: number,
  onLive: (update: LiveUpdate) => void,
  signal: AbortSignal,
): Promise<void> {
  const follower = new HistoryFollower();
  const timeline = new LiveTimeline(bucketMs);
  try {
    while (!signal.aborted) {
      for await (const entry of follower.news(files())) timeline.add(entry);
      const update = timeline.take();
      if (update !== null) onLive(update);
      await delay(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    await follower.close();
  }
}
