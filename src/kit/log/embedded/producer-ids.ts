/** Ids for idempotent producers, from blocks that are taken out of the log's file: what a crash leaves of one is lost. */
const BLOCK_IDS = 1_000;

export class ProducerIds {
  /** Answers the first id of a durable block. */
  readonly #takeBlock: (count: number) => Promise<number>;
  #next = 0;
  #end = 0;
  #taking: Promise<void> | null = null;

  constructor(takeBlock: (count: number) => Promise<number>) {
    this.#takeBlock = takeBlock;
  }

  async allocate(): Promise<number> {
    while (this.#next === this.#end) {
      this.#taking ??= this.#take().finally(() => {
        this.#taking = null;
      });
      await this.#taking;
    }
    return this.#next++;
  }

  async #take(): Promise<void> {
    this.#next = await this.#takeBlock(BLOCK_IDS);
    this.#end = this.#next + BLOCK_IDS;
  }
}
