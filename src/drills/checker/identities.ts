/** By what records and publishes are told apart, and their keys, as numbers. */
import type { LogRecord } from '../../kit/log/event-log.ts';
import { Names } from './names.ts';
import { TextTable } from './text-table.ts';

/**
 * An event is known by its topic and its id (the `ce_id` header, of a repeated one the last, as the codec reads it). A
 * record without an id is poison, known by its topic and its key only: the history has no values.
 */
export class Identities {
  readonly #topics = new Names();
  readonly #identities = new TextTable();
  readonly #keys = new TextTable();

  get size(): number {
    return this.#identities.size;
  }

  get keys(): number {
    return this.#keys.size;
  }

  addIdentity(topic: string, eventId: string | null, key: string): number {
    return this.#identities.add(this.#space(topic, eventId === null), eventId ?? key);
  }

  /** -1 for a record that nobody sent. */
  find(record: LogRecord): number {
    const id = idOf(record);
    return this.#identities.find(this.#space(record.topic, id === null), id ?? record.key ?? '');
  }

  /** Text keys that are the same as UTF-8 are one key; no key is the empty one. */
  addKey(topic: string, key: string | Buffer | null): number {
    return this.#keys.add(this.#topics.numberOf(topic), key ?? '');
  }

  keyText(key: number): string {
    return this.#keys.text(key);
  }

  topicOfKey(key: number): string {
    return this.#topics.nameOf(this.#keys.spaceOf(key));
  }

  /** For people. */
  nameOf(identity: number): string {
    const text = this.#identities.text(identity);
    return this.#identities.spaceOf(identity) % 2 === 0 ? `event ${text}` : `poison with key "${text}"`;
  }

  #space(topic: string, poison: boolean): number {
    return this.#topics.numberOf(topic) * 2 + (poison ? 1 : 0);
  }
}

function idOf({ headers }: LogRecord): Buffer | null {
  for (let i = headers.length - 1; i >= 0; i--) {
    const [name, value] = headers[i]!;
    if (name === 'ce_id' && value !== null) return value;
  }
  return null;
}

/** For people. */
export function nameOfRecord(record: LogRecord): string {
  const id = idOf(record);
  return id === null ? `poison with key "${record.key ?? ''}"` : `event ${id}`;
}
