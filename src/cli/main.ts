import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { clusterVerbs } from './cluster.ts';
import { configVerbs } from './config.ts';
import { demoVerb } from './demo.ts';
import { dlqVerbs } from './dlq.ts';
import { doctorVerb } from './doctor.ts';
import { drillVerbs } from './drill.ts';
import { engagementVerbs } from './engagement.ts';
import { eventVerbs } from './events.ts';
import { describeError, EXIT, endQuietlyOnClosedPipe, exitCodeOf } from './output.ts';
import { topicVerbs } from './topics.ts';
import { upVerb } from './up.ts';
import { VerbContext } from './verbs.ts';
import { verifyVerb } from './verify.ts';

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
const context = new VerbContext();
const addVerbs = [
  upVerb,
  demoVerb,
  eventVerbs,
  topicVerbs,
  engagementVerbs,
  dlqVerbs,
  verifyVerb,
  clusterVerbs,
  drillVerbs,
  configVerbs,
  doctorVerb,
];
for (const add of addVerbs) add(program, context);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
