import {
  AclOperations,
  AclPermissionTypes,
  type API,
  ConfigResourceTypes,
  ConfigSources,
  createPartitionsV3,
  deleteTopicsV6,
  describeAclsV3,
  describeConfigsV4,
  describeLogDirsV4,
  IncrementalAlterConfigOperationTypes,
  incrementalAlterConfigsV1,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka';
import { type Clock, steadyClock } from '../../clock.ts';
import { isKitError, KitError } from '../../errors.ts';
import type { PartitionOffset, TopicPartition } from '../event-log.ts';
import type {
  AccessRule,
  ConfigEntry,
  ConfigResource,
  GroupDescription,
  GroupListing,
  LogAdmin,
} from '../log-admin.ts';
import { ClusterView, parseAddress } from './cluster-view.ts';
import { errorName, refusal, unavailable } from './errors.ts';
import { GroupAdmin } from './group-admin.ts';
import { offeredVersion } from './offered-version.ts';

export interface KafkaAdminOptions {
  /** `host:port` of some brokers; the others are found through them. */
  readonly bootstrap: readonly string[];
  readonly clientId?: string;
  /** A broker that does not answer within this is left for another. Default 3,000. */
  readonly requestTimeoutMs?: number;
  readonly clock?: Clock;
}

const SOURCE_NAMES = namesOf(ConfigSources);
const DESCRIBE_ACLS = 29;

/**
 * Administration by Kafka's protocol, of Kafka 3.7 and later and of the embedded log's broker. Versions: DeleteTopics 6,
 * CreatePartitions 3, DescribeConfigs 4, IncrementalAlterConfigs 1, DescribeLogDirs 4, DescribeAcls 3, and those of `GroupAdmin`.
 */
export class KafkaAdmin implements LogAdmin {
  readonly #cluster: ClusterView;
  readonly #groups: GroupAdmin;

  /** @throws KitError INVALID_BOOTSTRAP; whether a broker answers shows at the first use */
  constructor(options: KafkaAdminOptions) {
    if (options.bootstrap.length === 0) throw new KitError('INVALID_BOOTSTRAP', 'no broker is named');
    for (const address of options.bootstrap) parseAddress(address);
    this.#cluster = new ClusterView({
      bootstrap: options.bootstrap,
      clientId: options.clientId ?? 'streamsocial',
      requestTimeoutMs: options.requestTimeoutMs ?? 3_000,
      clock: options.clock ?? steadyClock,
    });
    this.#groups = new GroupAdmin(this.#cluster);
  }

  async deleteTopics(names: readonly string[]): Promise<void> {
    const topics = names.map((name) => ({ name, topicId: null }));
    const { responses } = await this.#cluster.askAny(deleteTopicsV6.api, [topics, this.#cluster.requestTimeoutMs]);
    const gone = new Set(responses.filter(({ errorCode }) => errorCode === 0).map(({ name }) => name));
    const deleted = names.filter((name) => gone.has(name));
    await this.#untilEveryBroker(this.#partitionsAre(deleted, null));
    const refused = responses.find(({ errorCode }) => errorCode !== 0);
    if (refused !== undefined)
      throw answered(refused, `delete topic ${refused.name}`, { topic: refused.name, deleted });
  }

  async addPartitions(topic: string, total: number, { validateOnly = false } = {}): Promise<void> {
    const asked = [{ name: topic, count: total, assignments: null }];
    const timeoutMs = this.#cluster.requestTimeoutMs;
    const { results } = await this.#cluster.askAny(createPartitionsV3.api, [asked, timeoutMs, validateOnly]);
    const refused = results.find(({ errorCode }) => errorCode !== 0);
    if (refused !== undefined) throw answered(refused, `partitions of ${topic}`, { topic });
    if (!validateOnly) await this.#untilEveryBroker(this.#partitionsAre([topic], total));
  }

  async bytesOf(topic: string): Promise<number | null> {
    const { topics } = await this.#cluster.metadata([topic]);
    const partitions = topics.flatMap((one) => one.partitions.map(({ partitionIndex }) => partitionIndex));
    const sizes = await Promise.all(
      [...this.#cluster.nodes().keys()].map(async (node) => {
        const { errorCode, results } = await this.#cluster.askNode(node, describeLogDirsV4.api, [
          [{ name: topic, partitions }],
        ]);
        if (errorCode !== 0) throw refusal(errorCode, `bytes of ${topic}`);
        return results.flatMap(({ topics: held }) => held.flatMap((one) => one.partitions)).map((p) => p.partitionSize);
      }),
    ).catch((error: unknown) => {
      if (isKitError(error)) return null;
      throw error;
    });
    return sizes === null ? null : Number(sizes.flat().reduce((sum, bytes) => sum + bytes, 0n));
  }

  async describeConfigs(resource: ConfigResource): Promise<ConfigEntry[]> {
    return configsIn(await this.#askFor(resource, describeConfigsV4.api, describeRequest(resource)), resource);
  }

  async alterConfigs(
    resource: ConfigResource,
    changes: Readonly<Record<string, string | null>>,
    { validateOnly = false } = {},
  ): Promise<void> {
    const { SET, DELETE } = IncrementalAlterConfigOperationTypes;
    const configs = Object.entries(changes).map(([name, value]) =>
      value === null ? { name, configOperation: DELETE } : { name, configOperation: SET, value },
    );
    const asked = [{ ...protocolResource(resource), configs }];
    const { responses } = await this.#askFor(resource, incrementalAlterConfigsV1.api, [asked, validateOnly]);
    const refused = responses.find(({ errorCode }) => errorCode !== 0);
    if (refused === undefined) {
      if (!validateOnly && resource.type === 'topic') await this.#untilEveryBroker(this.#configsAre(resource, changes));
      return;
    }
    const what = whatOf(resource);
    // some versions refuse a value as a request that cannot be read
    const isValue = ['INVALID_REQUEST', 'INVALID_CONFIG'].includes(errorName(refused.errorCode));
    if (isValue) throw new KitError('INVALID_CONFIG', `${what}: ${refused.errorMessage ?? 'refused'}`);
    throw answered(refused, what);
  }

  listGroups(): Promise<GroupListing[]> {
    return this.#groups.list();
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    return this.#groups.describe(groupId);
  }

  committed(groupId: string): Promise<PartitionOffset[]> {
    return this.#groups.committed(groupId);
  }

  deleteGroup(groupId: string): Promise<void> {
    return this.#groups.delete(groupId);
  }

  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    return this.#groups.deleteOffsets(groupId, partitions);
  }

  async accessRules(): Promise<AccessRule[]> {
    const { brokers } = await this.#cluster.metadata([]);
    const broker = brokers[0];
    if (broker === undefined) throw unavailable('no broker is there');
    if ((await offeredVersion(this.#cluster, broker.nodeId, DESCRIBE_ACLS)) < 3) {
      throw new KitError(
        'ACLS_NOT_SUPPORTED',
        'this log knows no access rules: everybody who can connect may do everything',
      );
    }
    const everything = {
      resourceType: ResourceTypes.ANY,
      resourceName: null,
      resourcePatternType: ResourcePatternTypes.ANY,
      principal: null,
      host: null,
      operation: AclOperations.ANY,
      permissionType: AclPermissionTypes.ANY,
    };
    const response = await this.#cluster.askNode(broker.nodeId, describeAclsV3.api, [everything]);
    if (errorName(response.errorCode) === 'SECURITY_DISABLED') {
      throw new KitError(
        'ACLS_NOT_SUPPORTED',
        'this cluster has no authorizer (authorizer.class.name): everybody who can connect may do everything',
      );
    }
    if (response.errorCode !== 0) throw answered(response, 'access rules');
    return response.resources.flatMap(({ resourceType, resourceName, resourcePatternType, acls }) =>
      acls.map(({ principal, host, operation, permissionType }) => ({
        principal,
        host,
        operation: spoken(AclOperations, operation),
        permission: permissionType === AclPermissionTypes.DENY ? ('Deny' as const) : ('Allow' as const),
        resourceType: spoken(ResourceTypes, resourceType),
        resourceName,
        patternType: spoken(ResourcePatternTypes, resourcePatternType),
      })),
    );
  }

  async close(): Promise<void> {
    this.#cluster.close();
  }

  /** A broker's own configuration is known to itself; a topic's to all. */
  async #askFor<A extends unknown[], R>({ type, name }: ConfigResource, api: API<A, R>, args: A): Promise<R> {
    if (type === 'topic') return await this.#cluster.askAny(api, args);
    await this.#cluster.metadata([]);
    const nodes = this.#cluster.nodes();
    if (!/^\d+$/.test(name) || !nodes.has(Number(name))) {
      throw new KitError(
        'UNKNOWN_BROKER',
        `there is no broker ${name}; the brokers are ${[...nodes.keys()].join(', ')}`,
      );
    }
    return await this.#cluster.askNode(Number(name), api, args);
  }

  /** Other processes may ask any of them. A broker that is slow to hear of the change does not undo it. */
  async #untilEveryBroker(hasHeard: (node: number) => Promise<boolean>): Promise<void> {
    await this.#cluster.metadata([]);
    const heard = [...this.#cluster.nodes().keys()].map((node) =>
      this.#cluster.persist(async () => {
        if (!(await hasHeard(node))) throw unavailable(`broker ${node} has not heard of the change yet`);
      }),
    );
    await Promise.allSettled(heard);
  }

  /** @param count null: the topics are gone */
  #partitionsAre(names: readonly string[], count: number | null): (node: number) => Promise<boolean> {
    return async (node) => {
      const { topics } = await this.#cluster.metadataFrom(node, names);
      return topics.every(({ errorCode, partitions }) => (errorCode === 0 ? partitions.length : null) === count);
    };
  }

  #configsAre(
    resource: ConfigResource,
    changes: Readonly<Record<string, string | null>>,
  ): (node: number) => Promise<boolean> {
    return async (node) => {
      const response = await this.#cluster.askNode(node, describeConfigsV4.api, describeRequest(resource));
      const set = new Map(
        configsIn(response, resource)
          .filter(({ source }) => source === 'DYNAMIC_TOPIC_CONFIG')
          .map(({ name, value }) => [name, value]),
      );
      return Object.entries(changes).every(([name, value]) => (set.get(name) ?? null) === value);
    };
  }
}

function whatOf({ type, name }: ConfigResource): string {
  return `configuration of ${type} ${name}`;
}

function describeRequest(resource: ConfigResource): Parameters<typeof describeConfigsV4.createRequest> {
  return [[{ ...protocolResource(resource), configurationKeys: null }], false, false];
}

/** Ascending by name. */
function configsIn({ results }: describeConfigsV4.DescribeConfigsResponse, resource: ConfigResource): ConfigEntry[] {
  const [result] = results;
  if (result === undefined) throw unavailable(`no answer about the ${whatOf(resource)}`);
  if (result.errorCode !== 0) throw answered(result, whatOf(resource));
  return result.configs
    .map(({ name, value, configSource, readOnly, isSensitive }) => ({
      name,
      value: value ?? null,
      source: SOURCE_NAMES.get(configSource) ?? 'UNKNOWN',
      readOnly,
      sensitive: isSensitive,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function protocolResource({ type, name }: ConfigResource) {
  return {
    resourceType: type === 'topic' ? ConfigResourceTypes.TOPIC : ConfigResourceTypes.BROKER,
    resourceName: name,
  };
}

function answered(
  { errorCode, errorMessage }: { readonly errorCode: number; readonly errorMessage?: string | null | undefined },
  what: string,
  details: Record<string, unknown> = {},
): KitError {
  return refusal(errorCode, what, details, errorMessage);
}

function namesOf(codes: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  // of two names for one code, the first one is Kafka's
  for (const [name, code] of Object.entries(codes)) names.set(code, names.get(code) ?? name);
  return names;
}

/** `DESCRIBE_CONFIGS` as Kafka's tools print it: `DescribeConfigs`. */
function spoken(codes: Readonly<Record<string, number>>, code: number): string {
  const name = Object.keys(codes).find((one) => codes[one] === code) ?? 'UNKNOWN';
  return name.replace(/_?([A-Z])([A-Z]*)/g, (_, first: string, rest: string) => first + rest.toLowerCase());
}
