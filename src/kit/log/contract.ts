/**
 * What an event log has to do, as one suite for every adapter. A case that an adapter cannot serve is skipped by name
 * with its reason. Cases make topics and groups of their own, so they run against a log that others use as well.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { APPEND_AND_READ_CASES } from './contract-append-read.ts';
import { GROUP_CASES } from './contract-groups.ts';
import { type ContractCase, eventually, type OpenedLog, unique } from './contract-support.ts';

const CASES = { ...APPEND_AND_READ_CASES, ...GROUP_CASES };
export type ContractCaseName = keyof typeof CASES;

const CASE_TIMEOUT_MS = 60_000;

export function eventLogContract(
  name: string,
  open: () => Promise<OpenedLog>,
  options: {
    readonly skip?: Partial<Record<ContractCaseName, string>>;
    /** The shortest session the coordinator grants. Default 6,000, Kafka's. */
    readonly minSessionTimeoutMs?: number;
  } = {},
): void {
  describe(`event log contract: ${name}`, () => {
    let opened: OpenedLog;
    before(async () => {
      opened = await open();
    });
    after(() => opened?.close());

    for (const [title, run] of Object.entries(CASES) as [ContractCaseName, ContractCase][]) {
      const skip = options.skip?.[title] ?? false;
      test(title, { skip, timeout: CASE_TIMEOUT_MS }, () =>
        run({
          log: opened.log,
          second: opened.second ?? (async () => opened.log),
          open,
          unique,
          minSessionTimeoutMs: options.minSessionTimeoutMs ?? 6_000,
          async topic(partitions = 1, config = {}) {
            const topic = unique('contract');
            await opened.log.createTopics([{ name: topic, partitions, config }]);
            await eventually(async () => {
              const [description] = (await opened.log.describe([topic])).topics;
              assert.equal(description?.partitions.filter(({ leader }) => leader >= 0).length, partitions);
            });
            return topic;
          },
        }),
      );
    }
  });
}
