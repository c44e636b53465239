import type { Header, LogRecord } from '../log/event-log.ts';
import type { FieldError } from './contract.ts';

/** A record on its way to a topic; the key decides the partition. */
export interface Outgoing {
  readonly topic: string;
  readonly key: string;
  readonly value: Buffer;
  readonly headers: readonly Header[];
}

/** `poison`: no retry can make this record readable. */
export type Decoded<E> =
  | { readonly ok: true; readonly event: E; readonly id: string }
  | {
      readonly ok: false;
      readonly code: string;
      readonly reason: string;
      /** By field, where the codec can tell. */
      readonly errors?: readonly FieldError[];
    };

export interface Stamp {
  /** Milliseconds since the epoch. */
  readonly now: number;
  newId(): string;
}

/** Between a domain's events and the log's records. A domain brings one; publisher and consumers are generic over it. */
export interface EventCodec<E> {
  /** Checks what came from outside and fills in what the source may leave out. @throws KitError with the codes of the domain */
  accept(input: unknown, stamp: Stamp): E;
  idOf(event: E): string;
  encode(event: E): Outgoing;
  decode(record: LogRecord): Decoded<E>;
}
