type Numbers = Int32Array | Float64Array;

/** Numbers that grow by doubling: a million operations in a few typed arrays, where objects would take gigabytes. */
export class Column {
  #values: Numbers;
  #length = 0;

  /** @param type Int32Array where the numbers are counts and indexes */
  constructor(type: Int32ArrayConstructor | Float64ArrayConstructor = Float64Array) {
    this.#values = new type(64);
  }

  get length(): number {
    return this.#length;
  }

  /** Longer than `length`, and replaced by a later `push`. */
  get values(): Numbers {
    return this.#values;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const longer = new (this.#values.constructor as Float64ArrayConstructor)(this.#length * 2);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.#length++] = value;
  }
}
