/** What the log and its cleaner say to each other. */
import type { TopicPolicy } from './topic-configs.ts';
import type { PartitionCommand } from './writer-commands.ts';

export interface CleaningTask {
  readonly topicId: number;
  readonly partition: number;
  readonly policy: TopicPolicy;
  /** Ms since the epoch. */
  readonly now: number;
  /** Memory for the keys of one pass of compaction. */
  readonly keyMapBytes: number;
}

/**
 * Resolves when the change is durable and readers know of it; nothing that depends on it may be asked for before.
 *
 * @throws KitError UNKNOWN_TOPIC once the topic has been dropped
 */
export type WriteChange = (command: PartitionCommand) => Promise<readonly number[]>;

export type ToCleaner =
  | { readonly kind: 'clean'; readonly tasks: readonly CleaningTask[] }
  | { readonly kind: 'written'; readonly numbers: readonly number[] }
  | { readonly kind: 'not-written'; readonly error: CleanerError };

export type FromCleaner =
  | { readonly kind: 'write'; readonly command: PartitionCommand }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: CleanerError };

/** A KitError as it crosses threads. */
export interface CleanerError {
  readonly code: string;
  readonly message: string;
}
