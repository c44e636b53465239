/** What this machine has, what is missing, what the missing part is needed for, and the command that installs it. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Settings } from './settings.ts';

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'missing' | 'old' | 'taken' | 'failed';
  /** The version or state that was found; empty where nothing was. */
  readonly found: string;
  readonly neededFor: string;
  /** What to do about it, for this operating system; empty when all is well. */
  readonly remedy: string;
  /** Without it `streamsocial up` does not run as it is configured. */
  readonly required: boolean;
}

type PackageManager = 'apt' | 'dnf' | 'apk' | 'pacman' | 'brew' | 'winget';

interface Tool {
  readonly name: string;
  /** Tried in turn; the first that answers is the tool. */
  readonly commands: readonly (readonly [file: string, ...args: string[]])[];
  readonly minimum?: readonly number[];
  readonly neededFor: string;
  readonly packages: Readonly<Partial<Record<PackageManager, string>>>;
}

const MIN_FREE_BYTES = 1024 ** 3;
const COMMAND_TIMEOUT_MS = 10_000;

const TOOLS: readonly Tool[] = [
  {
    name: 'npm',
    commands: [['npm', '--version']],
    neededFor: 'installing and testing a clone',
    packages: { apt: 'npm', dnf: 'npm', apk: 'npm', pacman: 'npm', brew: 'node@24', winget: 'OpenJS.NodeJS.LTS' },
  },
  {
    name: 'java',
    commands: [['java', '-version']],
    minimum: [17],
    neededFor: 'streamsocial cluster up (Apache Kafka)',
    packages: {
      apt: 'openjdk-17-jre-headless',
      dnf: 'java-17-openjdk-headless',
      apk: 'openjdk17-jre-headless',
      pacman: 'jre17-openjdk-headless',
      brew: 'openjdk@17',
      winget: 'EclipseAdoptium.Temurin.17.JRE',
    },
  },
  {
    name: 'mvn',
    commands: [['mvn', '--version']],
    neededFor: 'streamsocial cluster up (fetches Kafka once)',
    packages: { apt: 'maven', dnf: 'maven', apk: 'maven', pacman: 'maven', brew: 'maven', winget: 'Apache.Maven' },
  },
  {
    name: 'redis-server',
    commands: [['redis-server', '--version']],
    minimum: [6, 2],
    neededFor: 'projections with --log kafka',
    packages: { apt: 'redis-server', dnf: 'redis', apk: 'redis', pacman: 'redis', brew: 'redis' },
  },
  {
    name: 'chromium',
    commands: [
      ['chromium', '--version'],
      ['chromium-browser', '--version'],
      ['google-chrome', '--version'],
    ],
    neededFor: 'browser tests of the dashboard',
    packages: {
      apt: 'chromium',
      dnf: 'chromium',
      apk: 'chromium',
      pacman: 'chromium',
      brew: '--cask chromium',
      winget: 'Google.Chrome',
    },
  },
  {
    name: 'kcat',
    commands: [
      ['kcat', '-V'],
      ['kafkacat', '-V'],
    ],
    neededFor: 'looking at topics with another client',
    packages: { apt: 'kcat', dnf: 'kcat', apk: 'kcat', pacman: 'kcat', brew: 'kcat' },
  },
];

const INSTALL: Readonly<Record<PackageManager, string>> = {
  apt: 'sudo apt-get install -y',
  dnf: 'sudo dnf install -y',
  apk: 'sudo apk add',
  pacman: 'sudo pacman -S --noconfirm',
  brew: 'brew install',
  winget: 'winget install',
};

/** Looks at programs, ports and the data folder; changes nothing. At most about ten seconds. */
export async function doctor(settings: Settings): Promise<Check[]> {
  const manager = packageManager();
  const kafkaPorts = [9092, 9093, 9094].map((port) => checkPort(port, 'Kafka', 'streamsocial cluster up', false));
  return Promise.all([
    checkNode(),
    ...TOOLS.map((tool) => checkTool(tool, manager)),
    checkPort(settings.webPort, 'HTTP', 'streamsocial up', true),
    ...kafkaPorts,
    checkDataDir(settings.dataDir),
    checkDiskSpace(settings.dataDir),
  ]);
}

function checkNode(): Check {
  const status = atLeast(versionIn(process.version), [24, 6]) ? 'ok' : 'old';
  const remedy = status === 'ok' ? '' : 'nvm install 24, or https://nodejs.org/en/download';
  return { name: 'node', status, found: process.versions.node, neededFor: 'everything', remedy, required: true };
}

async function checkTool(tool: Tool, manager: PackageManager | null): Promise<Check> {
  const output = await firstAnswer(tool.commands);
  const version = output === null ? [] : versionIn(output);
  const status = output === null ? 'missing' : atLeast(version, tool.minimum ?? []) ? 'ok' : 'old';
  return {
    name: tool.name,
    status,
    found: version.join('.'),
    neededFor: tool.neededFor,
    remedy: status === 'ok' ? '' : installCommand(tool, manager),
    required: false,
  };
}

function installCommand({ name, packages, minimum }: Tool, manager: PackageManager | null): string {
  const wanted = manager === null ? undefined : packages[manager];
  if (manager === null || wanted === undefined)
    return `install ${name}${minimum ? ` ${minimum.join('.')} or later` : ''}`;
  return `${INSTALL[manager]} ${wanted}`;
}

function packageManager(): PackageManager | null {
  if (process.platform === 'darwin') return 'brew';
  if (process.platform === 'win32') return 'winget';
  const managers = {
    apt: '/usr/bin/apt-get',
    dnf: '/usr/bin/dnf',
    apk: '/sbin/apk',
    pacman: '/usr/bin/pacman',
  } as const;
  const found = Object.entries(managers).find(([, path]) => existsSync(path));
  return found === undefined ? null : (found[0] as PackageManager);
}

/** What the first command that runs prints; null when none does. Java and kcat print to stderr. */
async function firstAnswer(commands: Tool['commands']): Promise<string | null> {
  for (const [file, ...args] of commands) {
    const output = await new Promise<string | null>((settle) => {
      const shell = process.platform === 'win32';
      execFile(file, args, { timeout: COMMAND_TIMEOUT_MS, shell }, (error, stdout, stderr) =>
        settle(error === null ? stdout + stderr : null),
      );
    });
    if (output !== null) return output;
  }
  return null;
}

/** `openjdk version "17.0.9"` -> [17, 0, 9]; the first dotted number, or else the first number, is the version */
export function versionIn(output: string): number[] {
  const [text = ''] = /\d+(\.\d+)+/.exec(output) ?? /\d+/.exec(output) ?? [];
  return text.split('.').filter(Boolean).map(Number);
}

export function atLeast(version: readonly number[], minimum: readonly number[]): boolean {
  for (const [index, wanted] of minimum.entries()) {
    const part = version[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

async function checkPort(port: number, what: string, neededFor: string, required: boolean): Promise<Check> {
  const taken = port !== 0 && (await answers(port));
  return {
    name: `port ${port}`,
    status: taken ? 'taken' : 'ok',
    found: taken ? 'something listens there' : 'free',
    neededFor: `${neededFor} (${what})`,
    remedy: taken
      ? `fine if that is StreamSocial; else ${what === 'HTTP' ? '--web-port' : '--base-port'} moves ours`
      : '',
    required,
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 });
    const end = (result: boolean) => {
      socket.destroy();
      settle(result);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

function checkDataDir(dataDir: string): Check {
  const place = existingParent(dataDir);
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
    return {
      name: 'data folder',
      status: 'ok',
      found: dataDir,
      neededFor: 'the log and projections',
      remedy: '',
      required: true,
    };
  } catch {
    const remedy = `make ${place} writable, or choose another with --data-dir`;
    return {
      name: 'data folder',
      status: 'failed',
      found: `${place} is not writable`,
      neededFor: 'the log and projections',
      remedy,
      required: true,
    };
  }
}

function checkDiskSpace(dataDir: string): Check {
  const { bavail, bsize } = statfsSync(existingParent(dataDir));
  const freeBytes = bavail * bsize;
  const status = freeBytes >= MIN_FREE_BYTES ? 'ok' : 'failed';
  return {
    name: 'disk space',
    status,
    found: `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`,
    neededFor: 'the log (at least 1 GiB)',
    remedy: status === 'ok' ? '' : 'free some space, or choose another disk with --data-dir',
    required: true,
  };
}

/** The folder itself, or the nearest one above it that exists. */
function existingParent(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingParent(dirname(path));
}
