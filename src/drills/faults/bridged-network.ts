/**
 * Network namespaces that a bridge joins, each with one address: hosts of a network whose cables can be pulled. Linux, and root.
 * Only for a process in a network namespace of its own (`isolated-run.ts`): nothing of it is seen elsewhere, and it is gone with the
 * last process in it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BrokerPlace } from '../../cluster/commands.ts';
import { KitError } from '../../kit/errors.ts';

const BRIDGE = 'drill';
const NETWORK = '10.77.0';
const OWN_ADDRESS = `${NETWORK}.254/24`;
const NAMESPACE_MS = 5_000;

const run = promisify(execFile);

export class BridgedNetwork {
  /** One a host. */
  readonly places: readonly BrokerPlace[];
  readonly #holders: readonly ChildProcess[];

  static async open(hosts: number): Promise<BridgedNetwork> {
    await ip('link', 'add', BRIDGE, 'type', 'bridge');
    await ip('address', 'add', OWN_ADDRESS, 'dev', BRIDGE);
    await ip('link', 'set', BRIDGE, 'up');
    const holders: ChildProcess[] = [];
    for (let host = 1; host <= hosts; host++) holders.push(await plugIn(host));
    return new BridgedNetwork(holders);
  }

  private constructor(holders: readonly ChildProcess[]) {
    this.#holders = holders;
    this.places = holders.map(({ pid }, index) => ({ host: `${NETWORK}.${index + 1}`, enter: entering(pid!) }));
  }

  /** Nothing gets to this host or out of it: what is sent is lost, as with a pulled cable. */
  cut(index: number): Promise<void> {
    return ip('link', 'set', cableOf(index + 1), 'down');
  }

  join(index: number): Promise<void> {
    return ip('link', 'set', cableOf(index + 1), 'up');
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#holders.map(async (holder) => {
        holder.stdin!.end();
        if (holder.exitCode === null) await once(holder, 'exit');
      }),
    );
    await ip('link', 'delete', BRIDGE);
  }
}

/** A namespace, held by a process that ends with this one, and a cable from there to the bridge. */
async function plugIn(host: number): Promise<ChildProcess> {
  const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const pid = holder.pid!;
  await untilElsewhere(pid);
  const cable = cableOf(host);
  await ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
  await ip('link', 'set', cable, 'master', BRIDGE, 'up');
  const inside = (...args: readonly string[]) => run('nsenter', [...entering(pid).slice(1), 'ip', ...args]);
  await inside('address', 'add', `${NETWORK}.${host}/24`, 'dev', 'eth0');
  await inside('link', 'set', 'eth0', 'up');
  await inside('link', 'set', 'lo', 'up');
  return holder;
}

/** The process is this one's copy until it has a namespace of its own. */
async function untilElsewhere(pid: number): Promise<void> {
  const own = await readlink('/proc/self/ns/net');
  for (const endMs = performance.now() + NAMESPACE_MS; performance.now() < endMs; await delay(10)) {
    const its = await readlink(`/proc/${pid}/ns/net`).catch(() => own);
    if (its !== own) return;
  }
  throw new KitError('MISSING_COMPONENT', 'no network namespace can be made here: run it as root on Linux');
}

function entering(pid: number): readonly string[] {
  return ['nsenter', `--net=/proc/${pid}/ns/net`];
}

function cableOf(host: number): string {
  return `cable${host}`;
}

async function ip(...args: readonly string[]): Promise<void> {
  await run('ip', args);
}
