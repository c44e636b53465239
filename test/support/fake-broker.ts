/** A broker on the loopback that answers Metadata 12 requests, or nothing at all. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Writer } from '@platformatic/kafka';

export interface FakePartition {
  readonly leader: number;
  readonly epoch: number;
}

export interface FakeCluster {
  /** Port by node id. */
  readonly brokers: ReadonlyMap<number, number>;
  /** Of the topic `t`. */
  readonly partitions: readonly FakePartition[];
}

const TOPIC_ID = '11111111-2222-3333-4444-555555555555';
/** Length, API key, version: the correlation id comes behind them. */
const CORRELATION_ID_AT = 8;

export class FakeBroker {
  readonly port: number;
  requests = 0;
  /** Takes requests and answers none, as a process that is stopped. */
  frozen = false;
  view: FakeCluster = { brokers: new Map(), partitions: [] };
  readonly #close: () => Promise<void>;

  static async start(): Promise<FakeBroker> {
    const sockets = new Set<Socket>();
    let broker: FakeBroker;
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      socket.on('data', (request) => broker.#hear(socket, request));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    broker = new FakeBroker((server.address() as AddressInfo).port, async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    });
    return broker;
  }

  private constructor(port: number, close: () => Promise<void>) {
    this.port = port;
    this.#close = close;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Requests are small: one comes in one piece. */
  #hear(socket: Socket, request: Buffer): void {
    this.requests += 1;
    if (!this.frozen) socket.write(metadataResponse(request.readInt32BE(CORRELATION_ID_AT), this.view));
  }
}

function metadataResponse(correlationId: number, { brokers, partitions }: FakeCluster): Buffer {
  const body = Writer.create()
    .appendInt32(correlationId)
    .appendTaggedFields()
    .appendInt32(0)
    .appendArray([...brokers], (w, [id, port]) => {
      w.appendInt32(id).appendString('127.0.0.1').appendInt32(port).appendString(null);
    })
    .appendString('fake')
    .appendInt32(1)
    .appendArray(['t'], (topic, name) => {
      topic
        .appendInt16(0)
        .appendString(name)
        .appendUUID(TOPIC_ID)
        .appendBoolean(false)
        .appendArray([...partitions.entries()], (w, [index, { leader, epoch }]) => {
          w.appendInt16(0).appendInt32(index).appendInt32(leader).appendInt32(epoch);
          for (let list = 0; list < 3; list++)
            w.appendArray([leader], (ids, id) => void ids.appendInt32(id), true, false);
        })
        .appendInt32(0);
    })
    .appendTaggedFields();
  const frame = Buffer.alloc(4);
  frame.writeInt32BE(body.length);
  return Buffer.concat([frame, body.buffer]);
}
