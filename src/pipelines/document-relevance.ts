/**
 * Which deltas have a say in what becomes of one document, and which other documents have to be made for that.
 *
 * As long as all of these are mentioned by the events that change them, documents are told by key, and found while the log is
 * gone through; what was found counts from the next beginning on. Otherwise they are told by kind, a key's text up to its first `/`.
 */
import type { RawRecord } from '../kit/log/event-log.ts';
import { Mentions } from '../kit/log/mentions.ts';
import type { Delta, Document } from '../kit/projections/projection-store.ts';

/** Documents that have a say: these, or all of these kinds. */
export type Asked = { readonly keys: ReadonlySet<string> } | { readonly kinds: ReadonlySet<string> };

/** Documents have a say that were not made: to be begun again with them. */
export class NewlyAsked {
  readonly asked: Asked;

  constructor(asked: Asked) {
    this.asked = asked;
  }
}

/** Where more documents have a say, or may turn out to have one, they are told by kind. */
const MAX_KEYS = 5_000;
const MAX_HELD = 50_000;

export class Relevance {
  readonly #key: string;
  readonly #idOf: (key: string) => string | null;
  /** Null where documents are told by kind. */
  readonly #keys: Set<string> | null;
  readonly #kinds: ReadonlySet<string>;
  readonly #ids = new Set<string>();
  readonly #mentions = new Mentions([]);
  /** Of documents, or of all whose keys begin so: ids that they have as fields. */
  readonly #held = new Map<string, Set<string>>();
  #heldIds = 0;
  #isOutgrown = false;
  #isKnown = false;

  /** @param idOf what the events mention that change a document; null where they need not */
  constructor(key: string, idOf: (key: string) => string | null, asked: Asked = { keys: new Set() }) {
    this.#key = key;
    this.#idOf = idOf;
    const byKey = 'keys' in asked && idOf(key) !== null;
    this.#keys = byKey ? new Set() : null;
    this.#kinds = 'kinds' in asked ? asked.kinds : new Set();
    if (byKey) for (const one of [key, ...asked.keys]) this.#add(one, idOf(one)!);
  }

  get asked(): Asked {
    return this.#keys === null ? { kinds: this.#kinds } : { keys: this.#keys };
  }

  /** Whether documents were found that were not made from the beginning: what is folded is worth nothing then. */
  get isOutgrown(): boolean {
    return this.#isOutgrown;
  }

  /** The records that can matter; null: all. */
  get wanted(): ((record: RawRecord) => boolean) | null {
    return this.#keys === null ? null : (record) => this.#mentions.in(record);
  }

  readonly isMade = (key: string): boolean =>
    this.#keys?.has(key) ?? (key === this.#key || (this.#kinds.size > 0 && this.#kinds.has(kindOf(key))));

  /** @throws NewlyAsked */
  concerns(delta: Delta): boolean {
    const { key, when, from, each } = delta;
    if (this.#keys !== null) this.#noteHeld(delta);
    if (!(each === undefined ? this.isMade(key) : this.#isReached(key, each))) return false;
    for (const one of [when?.fieldsOf, from, each]) if (one !== undefined) this.#ask(one);
    return true;
  }

  /** Of a document that is there when the fold begins. @throws NewlyAsked */
  noteFields(key: string, fields: Document): void {
    if (this.#keys !== null) this.#hold(key, Object.keys(fields));
  }

  clone(): Relevance {
    const copy = new Relevance(this.#key, this.#idOf, this.asked);
    for (const [key, ids] of this.#held) copy.#held.set(key, new Set(ids));
    copy.#heldIds = this.#heldIds;
    return copy;
  }

  /** For what this has been asked about before: nothing new is found there. */
  known(): Relevance {
    const copy = this.clone();
    copy.#isKnown = true;
    return copy;
  }

  /** @throws NewlyAsked where it is outgrown */
  assertComplete(): void {
    if (this.#isOutgrown) throw new NewlyAsked(this.asked);
  }

  /** Whether a delta for each field of `each` may change a document that is made; its key is `prefix` and the field's name. */
  #isReached(prefix: string, each: string): boolean {
    if (this.#keys === null) return this.isMade(prefix) || this.#key.startsWith(prefix);
    if (this.#isKnown && !this.#keys.has(each)) return false;
    for (const held of this.#heldBy(each)) for (const id of held) if (this.#keys.has(prefix + id)) return true;
    return false;
  }

  #ask(key: string): void {
    if (this.#keys === null) {
      const kind = kindOf(key);
      if (!this.#kinds.has(kind)) throw new NewlyAsked({ kinds: new Set([...this.#kinds, kind]) });
      return;
    }
    if (this.#keys.has(key)) return;
    const id = this.#idOf(key);
    if (id === null || this.#keys.size > MAX_KEYS) throw this.#byKind(key);
    this.#isOutgrown = true;
    this.#add(key, id);
  }

  #byKind(key: string): NewlyAsked {
    const asked = [...this.#keys!].filter((one) => one !== this.#key);
    return new NewlyAsked({ kinds: new Set([...asked, key].map(kindOf)) });
  }

  #add(key: string, id: string): void {
    this.#keys!.add(key);
    this.#ids.add(id);
    this.#mentions.add(id);
  }

  #noteHeld({ key, add = {}, max = {}, from, each }: Delta): void {
    const target = each === undefined ? key : kindOf(key);
    this.#hold(target, Object.keys(add));
    this.#hold(target, Object.keys(max));
    if (from !== undefined) for (const held of this.#heldBy(from)) this.#hold(target, held);
  }

  #heldBy(key: string): Set<string>[] {
    return [this.#held.get(key), this.#held.get(kindOf(key))].filter((ids) => ids !== undefined);
  }

  #hold(key: string, names: Iterable<string>): void {
    for (const name of names) {
      if (!this.#ids.has(name)) continue;
      const held = this.#held.get(key) ?? new Set();
      if (held.has(name)) continue;
      if (this.#heldIds++ >= MAX_HELD) throw this.#byKind(key);
      this.#held.set(key, held.add(name));
    }
  }
}

export function kindOf(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? key : key.slice(0, slash + 1);
}
