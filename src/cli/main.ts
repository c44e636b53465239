import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addVerbs } from './all-verbs.ts';
import { describeError, EXIT, endQuietlyOnClosedPipe, exitCodeOf } from './output.ts';
import { VerbContext } from './verbs.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

endQuietlyOnClosedPipe();
const program = new Command('streamsocial')
  .description('A social engagement platform on an event log.')
  .version(version)
  .exitOverride()
  .showHelpAfterError('(--help shows what is possible)')
  .addHelpText(
    'after',
    '\nExit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 verdict not met, 5 not found, 6 refused.',
  );

try {
  await addVerbs(program, new VerbContext(), process.argv[2]);
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
