/** What a drill needs of the machine. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isInstalled } from '../cluster/artifacts.ts';
import type { Requirement } from './drill.ts';

export interface Lack {
  readonly requirement: Requirement;
  /** What is missing and how to get it. */
  readonly remedy: string;
}

type Look = () => Promise<string | null>;

const run = promisify(execFile);

const LOOK: Readonly<Record<Requirement, Look>> = {
  kafka: async () => {
    if (!(await isInstalled('java', '-version'))) return 'java: apt-get install openjdk-17-jre-headless';
    return (await isInstalled('mvn', '-version')) ? null : 'mvn: apt-get install maven';
  },
  redis: async () =>
    (await isInstalled('redis-server', '--version')) ? null : 'redis-server: apt-get install redis-server',
  'c-compiler': async () => ((await isInstalled('cc', '--version')) ? null : 'cc: apt-get install gcc libc6-dev'),
  linux: async () => (process.platform === 'linux' ? null : 'Linux'),
  root: async () => (process.getuid?.() === 0 ? null : 'root, for mount: run it with sudo'),
  'network-namespaces': async () =>
    run('unshare', ['--net', 'ip', 'link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1']).then(
      () => null,
      () => 'network namespaces: root on Linux, apt-get install iproute2 util-linux',
    ),
};

/** What was found once is taken to stay: looking for Java starts it. */
const found = new Set<Requirement>();

/** All that is missing here, by requirement; what was missing before is looked for again. */
export async function allLacks(): Promise<ReadonlyMap<Requirement, string>> {
  const lacks = new Map<Requirement, string>();
  const names = (Object.keys(LOOK) as Requirement[]).filter((name) => !found.has(name));
  await Promise.all(
    names.map(async (name) => {
      const remedy = await LOOK[name]();
      if (remedy === null) found.add(name);
      else lacks.set(name, remedy);
    }),
  );
  return lacks;
}

/** The first thing that is missing here; null where the drill can run. */
export async function lackOf(requirements: readonly Requirement[]): Promise<Lack | null> {
  for (const requirement of requirements) {
    const remedy = await LOOK[requirement]();
    if (remedy !== null) return { requirement, remedy };
  }
  return null;
}
