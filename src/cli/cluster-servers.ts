/** The verbs that act on one server of a cluster, from any terminal. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { follow, lastLines } from '../cluster/log-tail.ts';
import { signalServer, startServer } from '../cluster/remote-control.ts';
import { KitError } from '../kit/errors.ts';
import { print } from './output.ts';
import { untilSignal } from './signals.ts';
import { integer, type VerbContext } from './verbs.ts';

const DEFAULT_LINES = 50;

export function serverVerbs(noun: Command, context: VerbContext, directory: () => string): void {
  const verb = (name: string, description: string): Command =>
    context.verb(noun, name, description).argument('<server>', 'the number of a broker, or redis', serverName);

  verb('kill', 'end a server')
    .addOption(
      new Option('--signal <name>', 'KILL: at once; TERM: in order, KILL after 30 s; STOP: pause it')
        .choices(['KILL', 'TERM', 'STOP'])
        .default('KILL'),
    )
    .action(async (server: string, { signal }: { signal: 'KILL' | 'TERM' | 'STOP' }) => {
      await signalServer(directory(), server, `SIG${signal}`);
      print(signal === 'STOP' ? `${server} is paused` : `${server} has ended`);
    });

  verb('start', 'start a server that has ended; a broker whose data is gone begins anew and catches up')
    .option('--wait-isr', 'wait until the broker is in sync in all its partitions')
    .action(async (server: string, flags: { waitIsr?: boolean }) => {
      const onProgress = (text: string) => process.stderr.write(`${text}\n`);
      await startServer(directory(), server, { waitIsr: flags.waitIsr === true, onProgress });
      print(`${server} ${flags.waitIsr ? 'is in sync' : 'runs'}`);
    });

  verb('pause', 'freeze a server: it keeps its connections and answers nobody').action(async (server: string) => {
    await signalServer(directory(), server, 'SIGSTOP');
    print(`${server} is paused`);
  });

  verb('resume', 'let a paused server go on').action(async (server: string) => {
    await signalServer(directory(), server, 'SIGCONT');
    print(`${server} goes on`);
  });

  verb('log', "the end of a server's log")
    .option('-n, --lines <n>', 'lines', integer(0, 10_000), DEFAULT_LINES)
    .option('-f, --follow', 'go on until Ctrl-C, also when the server starts anew')
    .action(async (server: string, flags: { lines: number; follow?: boolean }) => {
      const file = join(directory(), 'logs', `${server}.log`);
      await access(file).catch(() => {
        throw new KitError('FILE_NOT_FOUND', `${server} has no log in ${join(directory(), 'logs')}`);
      });
      for (const line of await lastLines(file, flags.lines)) print(line);
      if (!flags.follow) return;
      const stop = new AbortController();
      untilSignal().then(() => stop.abort());
      for await (const part of follow(file, stop.signal)) process.stdout.write(part);
    });
}

/** `2`, `kafka-2` or `redis`. */
function serverName(text: string): string {
  if (/^[1-9]$/.test(text)) return `kafka-${text}`;
  if (/^(kafka-[1-9]|redis)$/.test(text)) return text;
  throw new InvalidArgumentError('It must be the number of a broker, or redis.');
}
