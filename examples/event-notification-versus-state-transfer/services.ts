/** Two systems of record behind HTTP, customers and catalog, that count their calls and can be down. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Customer {
  readonly name: string;
  readonly address: string;
}

export interface Book {
  readonly title: string;
}

export class Services {
  readonly customers = new Map<string, Customer>();
  readonly books = new Map<string, Book>();
  calls = 0;
  #server: Server | null = null;
  #port = 0;

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.calls++;
      const [, kind, id] = request.url!.split('/');
      const found = (kind === 'customers' ? this.customers : this.books).get(id!);
      response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(found ?? {}));
    }).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  customer(id: string): Promise<Customer> {
    return this.#get(`customers/${id}`);
  }

  book(id: string): Promise<Book> {
    return this.#get(`books/${id}`);
  }

  /** @throws Error where nobody answers, or not with what was asked for */
  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/${path}`, { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as T;
  }
}
