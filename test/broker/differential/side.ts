/** One of the two brokers that are compared: several connections to it, and its own ids behind common names. */
import { apiVersions } from '../../../src/broker/protocol/messages/api-versions.ts';
import { buildBatch } from '../support/batches.ts';
import { APIS, type DrawnRequest, withBatches } from '../support/requests.ts';
import { ConnectionEnded, WireClient } from '../support/wire-client.ts';
import type { Message } from '../support/world.ts';
import { Names } from './names.ts';
import { normalise } from './normalise.ts';

export interface Step extends DrawnRequest {
  /** The connection that it is sent over. */
  readonly connection: number;
}

/** An answer, or that the connection was ended instead, or that none was to come (acks=0). */
export type Outcome = Message | 'ended' | 'silence';

export class Pending {
  readonly step: Step;
  outcome: Outcome | null = null;
  readonly done: Promise<void>;

  constructor(step: Step, outcome: Promise<Outcome>) {
    this.step = step;
    this.done = outcome.then((settled) => {
      this.outcome = settled;
    });
  }
}

export class Side {
  readonly name: string;
  readonly names = new Names();
  readonly #port: number;
  readonly #prefix: string;
  readonly #clients: (WireClient | null)[];

  /** @param prefix of the topics and groups that are compared */
  constructor(name: string, port: number, { prefix, connections }: { prefix: string; connections: number }) {
    this.name = name;
    this.#port = port;
    this.#prefix = prefix;
    this.#clients = new Array<WireClient | null>(connections).fill(null);
  }

  send(step: Step): Pending {
    return new Pending(step, this.#play(step));
  }

  /** @throws Error where the connection is ended */
  async ask(api: string, version: number, message: Message): Promise<Message> {
    const client = await this.#client(this.#clients.length - 1);
    return (await client.request(APIS.get(api)!, version, this.#resolved(message))) as Message;
  }

  normalised(answer: Message): Message {
    return normalise(answer, {
      names: this.names,
      isOurs: (name) => name.startsWith(this.#prefix) || !isForeign(name),
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client?.close()));
  }

  async #play(step: Step): Promise<Outcome> {
    const { api, version, message, connection } = step;
    const client = await this.#client(connection);
    try {
      if (api === 'Produce' && message.acks === 0) {
        client.send(APIS.get(api)!, version, this.#resolved(message), 'wire');
        // An answer to what follows shows that there is none to this.
        await client.request(apiVersions, 0, {});
        return 'silence';
      }
      const answer = await client.request(APIS.get(api)!, version, this.#resolved(message), clientOf(step));
      return this.normalised(answer as Message);
    } catch (error) {
      if (error instanceof ConnectionEnded) return 'ended';
      throw error;
    }
  }

  #resolved(message: Message): Message {
    const built = withBatches(message, (spec) => buildBatch(spec, (producer) => this.names.producerId(producer)));
    return this.#withIds(built) as Message;
  }

  #withIds(given: unknown): unknown {
    if (typeof given === 'string') return this.names.idOf(given);
    if (given === null || typeof given !== 'object' || Buffer.isBuffer(given)) return given;
    if (Array.isArray(given)) return given.map((each) => this.#withIds(each));
    return Object.fromEntries(Object.entries(given).map(([name, each]) => [name, this.#withIds(each)]));
  }

  async #client(connection: number): Promise<WireClient> {
    let client = this.#clients[connection] ?? null;
    if (client === null || client.hasEnded) {
      client = await WireClient.connect(this.#port);
      this.#clients[connection] = client;
    }
    return client;
  }
}

/** Members are named by their client's id, so each connection has its own. */
function clientOf({ connection }: Step): string {
  return `client${connection}`;
}

/** Of another comparison, or Kafka's own (`__consumer_offsets`). */
function isForeign(name: string): boolean {
  return name.startsWith('__') || /^d\d+-/.test(name);
}
