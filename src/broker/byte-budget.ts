import { Fifo } from '../kit/log/embedded/fifo.ts';

/** Bytes that all connections share: who finds none waits for others to give theirs back, in turn. */
export class ByteBudget {
  readonly #limit: number;
  readonly #waiting = new Fifo<{ readonly bytes: number; readonly go: () => void; gone: boolean }>();
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  get free(): number {
    return Math.max(0, this.#limit - this.#taken);
  }

  /** Takes them now, or calls `go` once they are taken; the answer is null, or what ends the waiting. */
  take(bytes: number, go: () => void): (() => void) | null {
    if (this.#waiting.length === 0 && this.#hasRoomFor(bytes)) {
      this.#taken += bytes;
      return null;
    }
    const waiting = { bytes, go, gone: false };
    this.#waiting.push(waiting);
    return () => {
      waiting.gone = true;
      this.#admit();
    };
  }

  /** Takes them, room or not: for what is there already. */
  add(bytes: number): void {
    this.#taken += bytes;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
    this.#admit();
  }

  /** What is larger than the limit goes alone. */
  #hasRoomFor(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#limit;
  }

  #admit(): void {
    for (let next = this.#waiting.at(0); next !== undefined; next = this.#waiting.at(0)) {
      if (!next.gone && !this.#hasRoomFor(next.bytes)) return;
      this.#waiting.shift();
      if (next.gone) continue;
      this.#taken += next.bytes;
      next.go();
    }
  }
}
