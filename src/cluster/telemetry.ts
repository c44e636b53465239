import type { BrokerReading, BrokerTelemetry } from '../kit/monitoring/broker-telemetry.ts';
import { readJmx } from './jmx.ts';
import { LOOPBACK } from './server-properties.ts';
import { readState, type ServerState } from './state.ts';
import { isAlive, isPaused } from './supervisor.ts';

const BROKER = /^kafka-(\d+)$/;

/**
 * What the launcher of this directory knows of its brokers, looked up anew each time: it may start, stop and restart meanwhile.
 * Empty while no cluster is there, or another one than `bootstrap` names.
 */
export function clusterTelemetry(directory: string, bootstrap: readonly string[]): BrokerTelemetry {
  const wanted = new Set(bootstrap.map((address) => address.replace(/^localhost:/, `${LOOPBACK}:`)));
  return {
    async read(timeoutMs) {
      const servers = (await readState(directory))?.servers ?? [];
      const brokers = servers.flatMap((server) => {
        const id = BROKER.exec(server.name)?.[1];
        return id === undefined ? [] : [{ id: Number(id), server, address: `${LOOPBACK}:${server.port}` }];
      });
      if (!brokers.some(({ address }) => wanted.has(address))) return new Map();
      const readings = brokers.map(
        async ({ id, server, address }) => [id, await readingOf(server, address, timeoutMs)] as const,
      );
      return new Map(await Promise.all(readings));
    },
  };
}

/** 0, or what a shell gives after a SIGTERM that was heard: Java ends so when its shutdown is through. */
const IN_ORDER = [0, 143];

function endedInOrder({ exitCode }: ServerState): boolean | null {
  return exitCode === undefined || exitCode === null ? null : IN_ORDER.includes(exitCode);
}

async function readingOf(server: ServerState, address: string, timeoutMs: number): Promise<BrokerReading> {
  const status = (await isAlive(server)) ? ((await isPaused(server)) ? 'paused' : 'running') : 'gone';
  const asks = status === 'running' && server.jolokiaPort !== null;
  return {
    address,
    process: { id: `${server.pid}/${server.startedAt}`, status, endedInOrder: endedInOrder(server) },
    jmx: asks ? await readJmx(server.jolokiaPort, timeoutMs) : null,
  };
}
