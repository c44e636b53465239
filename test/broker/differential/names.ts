/**
 * Ids that a broker makes up (of topics, members, producers) have names that hold on both sides: a request says
 * `@topic:t0:1`, and each side puts its own id there; in its answers the id becomes the name again.
 */
import { UNKNOWN_IDS } from '../support/draw.ts';

const MEMBER_ID = /^(.*)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/s;

export class Names {
  readonly #ids = new Map<string, string>();
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** The id of this name, or the text as it is where it is no name. */
  idOf(text: string): string {
    return this.#ids.get(text) ?? text;
  }

  /** The name of this id; a new one by the order of their coming. */
  topic(id: string, topic: string | null): string {
    const isGiven = topic !== null && !UNKNOWN_IDS.some((each) => each === id);
    return this.#names.get(id) ?? (isGiven ? this.#name(id, `@topic:${topic}`) : id);
  }

  /** The text as it is where it is no member's id. */
  member(id: string): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const prefix = MEMBER_ID.exec(id)?.[1];
    return prefix === undefined ? id : this.#name(id, `@member:${prefix}`);
  }

  producer(id: string): string {
    return this.#names.get(`producer ${id}`) ?? this.#name(`producer ${id}`, '@producer');
  }

  /** The number that this side gave out, or the one that the text is. */
  producerId(text: string): bigint {
    const id = this.#ids.get(text)?.replace('producer ', '');
    if (id === undefined && text.startsWith('@')) return 123_456_789n;
    return BigInt(id ?? text);
  }

  #name(id: string, prefix: string): string {
    const count = (this.#counts.get(prefix) ?? 0) + 1;
    const name = `${prefix}:${count}`;
    this.#counts.set(prefix, count);
    this.#ids.set(name, id);
    this.#names.set(id, name);
    return name;
  }
}
