/** A verb of the command line inside the test's own process: its words and its exit code, without a second for starting Node. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Command, CommanderError } from 'commander';
import { addVerbs } from '../../../src/cli/all-verbs.ts';
import { describeError, EXIT, exitCodeOf } from '../../../src/cli/output.ts';
import { VerbContext } from '../../../src/cli/verbs.ts';
import type { Finished } from '../../support/streamsocial.ts';

interface Output {
  stdout: string;
  stderr: string;
}

const outputs = new AsyncLocalStorage<Output>();
for (const name of ['stdout', 'stderr'] as const) {
  const write = process[name].write.bind(process[name]) as (...args: unknown[]) => boolean;
  process[name].write = (...args: unknown[]) => {
    const output = outputs.getStore();
    if (output === undefined) return write(...args);
    output[name] += String(args[0]);
    return true;
  };
}

/** As `streamsocial ARGS…`; several may run at one time. */
export function verb(...args: string[]): Promise<Finished> {
  const output: Output = { stdout: '', stderr: '' };
  return outputs.run(output, async () => {
    const program = new Command('streamsocial').version('0.0.0').exitOverride();
    await addVerbs(program, new VerbContext(), args[0]);
    const code = await program.parseAsync(args, { from: 'user' }).then(
      () => EXIT.ok,
      (error: unknown) => {
        if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
        output.stderr += `${describeError(error)}\n`;
        return exitCodeOf(error);
      },
    );
    return { code, ...output };
  });
}

/** One object per line of `--json`. */
export function objectsOf<T>({ stdout }: Finished): T[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

/** Cells of a printed table by its headings; lines before the headings and after the last row are left out. */
export function rowsOf({ stdout }: Pick<Finished, 'stdout'>, firstHeading: string): Record<string, string>[] {
  const lines = stdout.split('\n');
  const start = lines.findIndex((line) => line.trimStart().startsWith(firstHeading));
  const headings = lines[start]?.trim().split(/\s{2,}|\t/) ?? [];
  return lines
    .slice(start + 1)
    .map((line) => line.trim().split(/\s{2,}|\t/))
    .filter((cells) => cells.length === headings.length)
    .map((cells) => Object.fromEntries(cells.map((cell, index) => [headings[index], cell])));
}
