/** A rebuild's right to fill a version and to swap it in. It ends with `commit` or `abandon`, or when it is not renewed in time. */
import type { Clock } from '../clock.ts';
import { isKitError, KitError } from '../errors.ts';
import type { ProjectionStore } from './projection-store.ts';
import { type VersionPointer, type Versions, type VersionWork, withoutWork } from './versions.ts';

const MAX_ATTEMPTS = 10;

export interface LeaseParts {
  readonly name: string;
  readonly pointer: VersionPointer;
  readonly clock: Clock;
  /** The version that was live when the lease began, and the one that is filled: the same store for a rebuild in place. */
  readonly live: ProjectionStore;
  readonly target: ProjectionStore;
  /** Of the pointer, as it is now. */
  refresh(): Promise<Versions>;
}

/** @throws KitError REBUILD_LOST from every change, once the lease is over; STORE_UNAVAILABLE */
export class VersionLease {
  readonly version: number;
  readonly #parts: LeaseParts;
  readonly #token: string;
  readonly #leaseMs: number;

  constructor(work: VersionWork, leaseMs: number, parts: LeaseParts) {
    this.version = work.version;
    this.#token = work.token;
    this.#leaseMs = leaseMs;
    this.#parts = parts;
  }

  /** Read and written without the pointer's leave: only what a lease's holder may do. */
  get live(): ProjectionStore {
    return this.#parts.live;
  }

  get target(): ProjectionStore {
    return this.#parts.target;
  }

  renew(): Promise<void> {
    return this.#change((versions, work) => ({ ...versions, work: this.#renewed(work) }));
  }

  /** While it is on, nobody else claims the projection; who applies has to be fenced by a claim of the live version. */
  switching(on: boolean): Promise<void> {
    return this.#change((versions, work) => ({ ...versions, work: { ...this.#renewed(work), switching: on } }));
  }

  /** The version is live. @param graceMs for readers of the one before, where that is not kept */
  commit(options: { readonly keep: boolean; readonly graceMs: number }): Promise<void> {
    const { clock } = this.#parts;
    return this.#change((versions, { version }) => {
      if (version === versions.live) return { ...versions, work: null };
      const out = options.keep ? (versions.kept === null ? [] : [versions.kept]) : [versions.live];
      const dropAt = clock.now() + options.graceMs;
      const retired = [...versions.retired, ...out.map((one) => ({ version: one, dropAt }))];
      return { ...versions, live: version, work: null, kept: options.keep ? versions.live : versions.kept, retired };
    });
  }

  /** The live version stays. No error where the lease is over already. */
  async abandon(): Promise<void> {
    const { clock } = this.#parts;
    await this.#change((versions) => withoutWork(versions, clock.now())).catch((error: unknown) => {
      if (!isKitError(error, 'REBUILD_LOST')) throw error;
    });
  }

  #renewed(work: VersionWork): VersionWork {
    return { ...work, until: this.#parts.clock.now() + this.#leaseMs };
  }

  async #change(change: (versions: Versions, work: VersionWork) => Versions): Promise<void> {
    const { pointer, refresh, name } = this.#parts;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const versions = await refresh();
      const { work } = versions;
      if (work?.token !== this.#token) {
        throw new KitError(
          'REBUILD_LOST',
          `the rebuild of ${name} took too long to answer and was given up; start it anew`,
          {
            retriable: true,
          },
        );
      }
      if (await pointer.compareAndSet(versions, change(versions, work))) {
        await refresh();
        return;
      }
    }
    throw new KitError('STORE_UNAVAILABLE', `${name}: its versions are changed by too many at once`, {
      retriable: true,
    });
  }
}
