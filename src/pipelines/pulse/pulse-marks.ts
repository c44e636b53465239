import type { Mark, NewMark } from './pulse-report.ts';

const MAX_MARKS = 300;

/** The newest marks, and those who want to hear of each. */
export class PulseMarks {
  readonly #marks: Mark[] = [];
  #count = 0;

  add({ at = new Date().toISOString(), ...mark }: NewMark): void {
    this.#marks.push({ at, ...mark });
    this.#count++;
    if (this.#marks.length > MAX_MARKS) this.#marks.shift();
  }

  /** How many there have been. */
  get count(): number {
    return this.#count;
  }

  /** In the order they were added; without `count` all that are kept. @param count how many there had been */
  since(count = 0): readonly Mark[] {
    const first = this.#count - this.#marks.length;
    return this.#marks.slice(Math.max(0, count - first));
  }
}
