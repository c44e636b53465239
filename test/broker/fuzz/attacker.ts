/** One connection after the other that sends good requests, spoilt ones and garbage, in bursts. */
import { apiVersions } from '../../../src/broker/protocol/messages/api-versions.ts';
import type { Random } from '../../simulation/random.ts';
import { type BatchSpec, buildBatch, resealed } from '../support/batches.ts';
import type { Draw } from '../support/draw.ts';
import { APIS, type DrawnRequest, drawRequest, withBatches } from '../support/requests.ts';
import { decodeResponse, encodeRequest, WireClient } from '../support/wire-client.ts';
import { inPieces, spoil, spoilField, spoiltLength } from './mutations.ts';

export interface Tally {
  /** All, good ones among them. */
  sent: number;
  spoilt: number;
  /** Answers to requests that nobody spoilt. */
  understood: number;
  /** Connections that the broker, or the attacker, has ended. */
  ended: number;
}

const MAX_BURST = 12;
/** For requests that wait for others (JoinGroup), and lengths that promise more than comes. */
const PATIENCE_MS = 250;
const LENGTH_BYTES = 4;
const MAX_CONNECT_ATTEMPTS = 20;

export class Attacker {
  readonly #port: number;
  readonly #draw: Draw;
  readonly #random: Random;
  readonly #tally: Tally;
  #client: WireClient | null = null;
  #lastBurst: Buffer[] = [];
  #localPort: number | undefined;
  #nextId = 1;

  constructor(port: number, draw: Draw, tally: Tally) {
    this.#port = port;
    this.#draw = draw;
    this.#random = draw.random;
    this.#tally = tally;
  }

  /** What it sent last over the connection of this port; null if that is another's. */
  sentFrom(port: number): readonly Buffer[] | null {
    return port === this.#localPort ? this.#lastBurst : null;
  }

  async burst(): Promise<void> {
    const client = this.#client ?? (await this.#connect());
    this.#client = client;
    this.#localPort = client.socket.localPort;
    const good = new Map<number, DrawnRequest>();
    this.#lastBurst = [];
    for (let left = this.#random.between(0, MAX_BURST); left > 0; left--)
      this.#lastBurst.push(this.#understandable(good));
    // Bytes that make no request end the connection, so they come last.
    if (this.#lastBurst.length === 0 || this.#random.chance(0.7)) this.#lastBurst.push(this.#garbled());
    for (const piece of inPieces(this.#random, Buffer.concat(this.#lastBurst))) client.raw(piece);
    this.#tally.sent += this.#lastBurst.length;
    const isCut = this.#random.chance(0.03);
    if (isCut || !(await this.#hear(client, good))) await this.#drop(client);
  }

  async close(): Promise<void> {
    if (this.#client !== null) await this.#drop(this.#client);
  }

  /** So many connections a second are now and then too many for the system. */
  async #connect(): Promise<WireClient> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await WireClient.connect(this.#port);
      } catch (error) {
        if (attempt === MAX_CONNECT_ATTEMPTS) throw error;
      }
    }
  }

  async #drop(client: WireClient): Promise<void> {
    this.#client = null;
    this.#tally.ended++;
    await client.close();
  }

  /** Good, or with a field that is not. */
  #understandable(good: Map<number, DrawnRequest>): Buffer {
    const correlationId = this.#nextId++;
    const request = this.#drawn();
    if (this.#random.chance(0.3)) {
      good.set(correlationId, request);
      return this.#encode(request, correlationId);
    }
    this.#tally.spoilt++;
    const { api, version, message } = request;
    return this.#encode(
      { ...request, message: spoilField(this.#random, APIS.get(api)!, version, message) },
      correlationId,
    );
  }

  /** Without topics nothing else gets far, so few are deleted. */
  #drawn(): DrawnRequest {
    const request = drawRequest(this.#draw);
    return request.api === 'DeleteTopics' && this.#random.chance(0.95) ? this.#drawn() : request;
  }

  #garbled(): Buffer {
    this.#tally.spoilt++;
    const frame = spoil(this.#random, this.#encode(this.#drawn(), this.#nextId++).subarray(LENGTH_BYTES));
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeInt32BE(this.#random.chance(0.04) ? spoiltLength(this.#random, frame.length) : frame.length);
    return Buffer.concat([length, frame]);
  }

  #encode({ api, version, message }: DrawnRequest, correlationId: number): Buffer {
    const clientId = this.#random.chance(0.1) ? null : 'fuzz';
    const built = withBatches(message, (spec) => this.#batch(spec));
    return encodeRequest(APIS.get(api)!, version, built, { correlationId, clientId });
  }

  /** Damage that the checksum does not show. */
  #batch(spec: BatchSpec): Buffer {
    const batch = buildBatch(spec);
    return this.#random.chance(0.15) ? resealed(spoil(this.#random, batch)) : batch;
  }

  /** Learns from the answers up to one that proves that all have come. False where the connection is of no more use. */
  async #hear(client: WireClient, good: ReadonlyMap<number, DrawnRequest>): Promise<boolean> {
    const probeId = this.#nextId++;
    client.raw(encodeRequest(apiVersions, 0, {}, { correlationId: probeId }));
    const late = Promise.withResolvers<null>();
    const timer = setTimeout(late.resolve, PATIENCE_MS, null);
    try {
      for (;;) {
        const frame = await Promise.race([client.nextFrame(), late.promise]);
        if (frame === null) return false;
        const id = frame.readInt32BE(0);
        if (id === probeId) return true;
        const request = good.get(id);
        if (request !== undefined) this.#learn(request, frame);
      }
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  #learn({ api, version, message }: DrawnRequest, frame: Buffer): void {
    const response = decodeResponse(APIS.get(api)!, version, frame) as Record<string, unknown>;
    this.#draw.world.learn(api, message, response);
    this.#tally.understood++;
  }
}
