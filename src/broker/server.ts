/** Listens on the loopback address and gives each connection what it needs. Bounds: `limits.ts`. */
import { createServer, type Server, type Socket } from 'node:net';
import { isKitError, KitError } from '../kit/errors.ts';
import { ByteBudget } from './byte-budget.ts';
import { type Answer, Connection } from './connection.ts';
import type { BrokerLimits } from './limits.ts';

export interface BrokerLogger {
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface ServerOptions {
  readonly answer: Answer;
  readonly limits: BrokerLimits;
  readonly logger: BrokerLogger;
}

/** At most one line about refused connections in this time. */
const REFUSAL_LINE_MS = 10_000;

export class BrokerServer {
  readonly received: ByteBudget;
  readonly unsent: ByteBudget;
  readonly #server: Server;
  readonly #options: ServerOptions;
  readonly #connections = new Set<Connection>();
  #refusalToldAt = Number.NEGATIVE_INFINITY;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { limits } = options;
    this.received = new ByteBudget(limits.maxReceivedBytes);
    this.unsent = new ByteBudget(limits.maxUnsentBytes);
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = limits.maxConnections;
    this.#server.on('drop', () => this.#refused(`there are ${limits.maxConnections}, as many as there may be`));
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  /** @param port 0 for a free one @returns the port @throws KitError PORT_IN_USE */
  async listen(host: string, port: number): Promise<number> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(port, host, resolve);
      });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
      const message = `Port ${port} on ${host} is taken; choose another with --broker-port (0: any).`;
      throw new KitError('PORT_IN_USE', message, { cause });
    }
    // Out of file descriptors, for one: the next connection may find some.
    this.#server.on('error', (error) => this.#refused(error.message));
    return (this.#server.address() as { port: number }).port;
  }

  /** What is under way is cut: the clients' protocol is made for that. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    const connections = [...this.#connections];
    for (const connection of connections) connection.end();
    await Promise.all([closed, ...connections.map((connection) => connection.closed)]);
  }

  #accept(socket: Socket): void {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const { answer, limits, logger } = this.#options;
    const connection = new Connection(socket, {
      answer,
      limits,
      received: this.received,
      unsent: this.unsent,
      onFault: (fault) => {
        if (isKitError(fault)) logger.warn({ peer, code: fault.code }, `a connection was closed: ${fault.message}`);
        else logger.error({ peer, err: fault }, 'a request could not be answered');
      },
    });
    this.#connections.add(connection);
    connection.closed.then(() => this.#connections.delete(connection));
  }

  #refused(reason: string): void {
    const now = performance.now();
    if (now - this.#refusalToldAt < REFUSAL_LINE_MS) return;
    this.#refusalToldAt = now;
    this.#options.logger.warn({ reason }, 'a connection was refused');
  }
}
