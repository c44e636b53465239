import { KitError } from '../../kit/errors.ts';
import type { PublishOperation } from '../history/history.ts';
import { Column } from './columns.ts';
import type { Identities } from './identities.ts';
import { Names } from './names.ts';

export const ACKED = 0;
export const UNKNOWN = 1;
export const FAILED = 2;
const OUTCOMES = { acked: ACKED, unknown: UNKNOWN, failed: FAILED } as const;

/** Every publish of the history, a column a field. */
export class Publishes {
  readonly identity = new Column(Int32Array);
  readonly key = new Column(Int32Array);
  readonly process = new Column(Int32Array);
  readonly sequence = new Column();
  readonly outcome = new Column(Int32Array);
  /** Of acknowledged ones; else -1. */
  readonly partition = new Column(Int32Array);
  readonly offset = new Column();
  readonly counts = { acked: 0, unknown: 0, failed: 0 };
  readonly #identities: Identities;
  readonly #processes = new Names();

  constructor(identities: Identities) {
    this.#identities = identities;
  }

  get size(): number {
    return this.identity.length;
  }

  /** @throws KitError HISTORY_UNREADABLE for an acknowledgement without a place */
  add({ process, sequence, eventId, topic, key, outcome, partition, offset }: PublishOperation): void {
    if (outcome === 'acked' && (partition === null || offset === null)) {
      throw new KitError(
        'HISTORY_UNREADABLE',
        `${process}: publish ${sequence} was acknowledged without partition and offset; record both`,
      );
    }
    this.counts[outcome] += 1;
    this.identity.push(this.#identities.addIdentity(topic, eventId, key));
    this.key.push(this.#identities.addKey(topic, key));
    this.process.push(this.#processes.numberOf(process));
    this.sequence.push(sequence);
    this.outcome.push(OUTCOMES[outcome]);
    this.partition.push(partition ?? -1);
    this.offset.push(offset ?? -1);
  }

  /** For people. */
  nameOf(index: number): string {
    const process = this.#processes.nameOf(this.process.values[index]!);
    return `${this.#identities.nameOf(this.identity.values[index]!)} (${process}, publish ${this.sequence.values[index]})`;
  }
}
