/** The stores of a platform: SQLite files beside the embedded log, Redis beside Kafka. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { SqliteIdempotencyStore } from '../kit/producers/embedded/sqlite-idempotency-store.ts';
import type { IdempotencyStore } from '../kit/producers/idempotency-store.ts';
import { RedisIdempotencyStore } from '../kit/producers/redis/redis-idempotency-store.ts';
import { withImage } from '../kit/projections/embedded/sqlite-image.ts';
import { SqliteProjectionStore } from '../kit/projections/embedded/sqlite-store.ts';
import type { DeduplicationWindow, ProjectionStore } from '../kit/projections/projection-store.ts';
import { RedisProjectionStore } from '../kit/projections/redis/redis-store.ts';
import { VersionedStore } from '../kit/projections/versioned-store.ts';
import { FileVersionPointer } from '../kit/projections/versions-file.ts';
import { RedisVersionPointer } from '../kit/projections/versions-redis.ts';
import { RedisConnection } from '../kit/stores/redis.ts';
import { PROJECTION_NAMES, type ProjectionName } from './projection.ts';

export type ProjectionStores = Readonly<Record<ProjectionName, VersionedStore>>;

/** Fills an empty store with what a SQLite store's file holds. */
export type RestoreStore = (target: ProjectionStore, path: string) => Promise<void>;

export interface Stores {
  readonly projections: ProjectionStores;
  readonly restore: RestoreStore;
  readonly idempotency: IdempotencyStore;
}

/** @param opened closes them */
export async function openStores(settings: Settings, opened: AsyncDisposableStack): Promise<Stores> {
  const window = deduplicationWindow(settings);
  const keep = <T extends { close(): Promise<void> }>(store: T): T => opened.adopt(store, (open) => open.close());
  if (settings.log === 'kafka') {
    const address = { host: settings.redisHost, port: settings.redisPort, db: settings.redisDb };
    return {
      projections: await byName(async (name) =>
        keep(redisVersions(name, keep(await RedisConnection.open(address)), window)),
      ),
      restore: (target, path) => withImage(path, (image) => (target as RedisProjectionStore).restore(image)),
      idempotency: keep(await RedisIdempotencyStore.open(address)),
    };
  }
  const directory = join(settings.dataDir, 'projections');
  mkdirSync(directory, { recursive: true });
  return {
    projections: await byName(async (name) => keep(sqliteVersions(name, directory, window))),
    restore: (target, path) => (target as SqliteProjectionStore).restore(path),
    idempotency: keep(await SqliteIdempotencyStore.open({ path: join(directory, 'idempotency.db') })),
  };
}

export function deduplicationWindow(settings: Pick<Settings, 'consumerDedupHours'>): DeduplicationWindow {
  return { windowMs: settings.consumerDedupHours * 3_600_000, maxIdsPerPartition: 1_000_000 };
}

/** Version 1 bears the projection's own name. */
function versionName(name: string, version: number): string {
  return version === 1 ? name : `${name}-v${version}`;
}

/** `<name>.db`, `<name>-v2.db`, …, and which of them is live in `<name>.version.json`. */
export function sqliteVersions(name: string, directory: string, window: DeduplicationWindow): VersionedStore {
  const path = (version: number) => join(directory, `${versionName(name, version)}.db`);
  return new VersionedStore({
    name,
    pointer: new FileVersionPointer(join(directory, `${name}.version.json`)),
    open: (version) => SqliteProjectionStore.open({ path: path(version), name, window }),
    drop: async (version) => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(path(version) + suffix, { force: true });
    },
  });
}

/** Documents at `<name>:<key>`, `<name>-v2:<key>`, …, and which of them are live in `<name>.__version`. */
export function redisVersions(name: string, connection: RedisConnection, window: DeduplicationWindow): VersionedStore {
  const open = (version: number) => RedisProjectionStore.open({ connection, name: versionName(name, version), window });
  return new VersionedStore({
    name,
    pointer: new RedisVersionPointer(connection, name),
    open,
    drop: async (version) => (await open(version)).drop(),
  });
}

/** Opens the live version of each, so that what is wrong with it is known now; removes what a rebuild has left. */
async function byName(open: (name: ProjectionName) => Promise<VersionedStore>): Promise<ProjectionStores> {
  const stores: Partial<Record<ProjectionName, VersionedStore>> = {};
  // one after the other: should one fail, those before it are known to whoever closes them
  for (const name of PROJECTION_NAMES) {
    stores[name] = await open(name);
    await stores[name].open();
  }
  return stores as ProjectionStores;
}
