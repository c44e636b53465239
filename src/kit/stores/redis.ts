import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { KitError } from '../errors.ts';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  /** Default 0. */
  readonly db?: number;
  readonly username?: string;
  readonly password?: string;
  /** How long a command, or the first connection, may take. Default 2,000. */
  readonly commandTimeoutMs?: number;
}

/** A Lua script and its SHA-1, by which Redis remembers it. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

export function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/**
 * One connection that never waits without bound: without a connection commands fail at once, a frozen server's socket
 * is torn down after `commandTimeoutMs`, and nothing is sent twice. It reconnects by itself, for ever, within a second
 * of the server's return.
 */
export class RedisConnection {
  readonly #redis: Redis;
  readonly #where: string;
  #lastError: unknown;

  /** Waits for a first connection, but an unreachable server is only told by the first command. */
  static async open(address: RedisAddress): Promise<RedisConnection> {
    const connection = new RedisConnection(address);
    const signal = AbortSignal.timeout(address.commandTimeoutMs ?? 2_000);
    await Promise.race([
      once(connection.#redis, 'ready', { signal }),
      once(connection.#redis, 'close', { signal }),
    ]).catch(() => undefined);
    return connection;
  }

  private constructor({ host, port, db = 0, username, password, commandTimeoutMs = 2_000 }: RedisAddress) {
    this.#where = `Redis at ${host}:${port}`;
    this.#redis = new Redis({
      host,
      port,
      db,
      username,
      password,
      commandTimeout: commandTimeoutMs,
      socketTimeout: commandTimeoutMs,
      connectTimeout: commandTimeoutMs,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
    });
    this.#redis.on('error', (error) => {
      this.#lastError = error;
    });
    this.#redis.on('ready', () => {
      this.#lastError = undefined;
    });
  }

  /** @throws KitError STORE_UNAVAILABLE for whatever the connection or the server refuses */
  async run<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await command(this.#redis);
    } catch (error) {
      const cause = this.#redis.status === 'ready' ? error : (this.#lastError ?? error);
      const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
      throw new KitError('STORE_UNAVAILABLE', `${this.#where}: ${reason}`, { cause, retriable: true });
    }
  }

  /** Runs a script by its hash, sending it whole when the server does not know it (any more). */
  evaluate({ lua, sha }: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.run(async (redis) => {
      try {
        return await redis.evalsha(sha, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return await redis.eval(lua, keys.length, ...keys, ...args);
      }
    });
  }

  /** Repeated calls are harmless. */
  async close(): Promise<void> {
    // `quit` lets replies under way arrive; a server that does not answer is left.
    if (this.#redis.status === 'ready') await this.#redis.quit().catch(() => undefined);
    this.#redis.disconnect();
  }
}
