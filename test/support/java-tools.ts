/** Apache Kafka's command line tools, from the jars that `streamsocial cluster` uses too. */
import { kafkaLibraries } from '../../src/cluster/artifacts.ts';
import { classArchiveFlags } from '../../src/cluster/class-archive.ts';
import { testCacheDirectory } from './cluster.ts';
import { type Ended, launch, type Program, type RunOptions, run, type Scope } from './programs.ts';

const TOOLS = 'org.apache.kafka.tools';
/** By the names of the shell scripts that Kafka has for them. */
const MAIN = {
  'kafka-topics': `${TOOLS}.TopicCommand`,
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-console-producer': `${TOOLS}.ConsoleProducer`,
  'kafka-console-consumer': `${TOOLS}.consumer.ConsoleConsumer`,
  'kafka-console-share-consumer': `${TOOLS}.consumer.ConsoleShareConsumer`,
  'kafka-consumer-groups': `${TOOLS}.consumer.group.ConsumerGroupCommand`,
  'kafka-producer-perf-test': `${TOOLS}.ProducerPerformance`,
  'kafka-consumer-perf-test': `${TOOLS}.ConsumerPerformance`,
  'kafka-verifiable-consumer': `${TOOLS}.VerifiableConsumer`,
  'kafka-get-offsets': `${TOOLS}.GetOffsetShell`,
  'kafka-delete-records': `${TOOLS}.DeleteRecordsCommand`,
  'kafka-log-dirs': `${TOOLS}.LogDirsCommand`,
  'kafka-broker-api-versions': `${TOOLS}.BrokerApiVersionsCommand`,
} as const;

export type JavaTool = keyof typeof MAIN;

/** For short lives: a small heap, no time spent on optimizing, and few words. */
export const JVM: readonly string[] = [
  '-Xmx128m',
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Xshare:auto',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
];

export class JavaTools {
  readonly #libraries: string;
  readonly #bootstrap: string;

  private constructor(libraries: string, bootstrap: string) {
    this.#libraries = libraries;
    this.#bootstrap = bootstrap;
  }

  /** In a suite that is skipped by `missing(...KAFKA_COMPONENTS)`. */
  static async open(bootstrap: string): Promise<JavaTools> {
    return new JavaTools(await kafkaLibraries(testCacheDirectory(), () => {}), bootstrap);
  }

  /** To its end. @throws Error with its output, when it takes too long or ends with another code */
  run(scope: Scope, tool: JavaTool, args: readonly string[], options?: RunOptions): Promise<Ended> {
    return run(scope, 'java', this.#command(tool, args), options);
  }

  /** Goes on until it ends by itself or the test does. */
  launch(scope: Scope, tool: JavaTool, args: readonly string[]): Program {
    return launch(scope, 'java', this.#command(tool, args));
  }

  #command(tool: JavaTool, args: readonly string[]): string[] {
    // This one tool takes the brokers among the producer's properties.
    const brokers = tool === 'kafka-producer-perf-test' ? [] : ['--bootstrap-server', this.#bootstrap];
    const archive = classArchiveFlags(this.#libraries);
    return [...JVM, ...archive, '-cp', `${this.#libraries}/*`, MAIN[tool], ...brokers, ...args];
  }
}
