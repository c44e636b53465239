import type { Command } from 'commander';
import { doctor } from '../config/doctor.ts';
import { KitError } from '../kit/errors.ts';
import { print, printJson, table } from './output.ts';
import type { VerbContext } from './verbs.ts';

export function doctorVerb(program: Command, context: VerbContext): void {
  context
    .verb(program, 'doctor', 'what is installed, what is missing, and the command that installs it')
    .option('--json', 'one JSON object a line')
    .action(async (flags: { json?: boolean }) => {
      const checks = await doctor(context.loaded.settings);
      if (flags.json) checks.forEach(printJson);
      else {
        const rows = checks.map(({ name, status, found, neededFor, remedy }) => [
          name,
          status,
          found,
          neededFor,
          remedy,
        ]);
        print(table(['what', 'state', 'found', 'needed for', 'what to do'], rows));
      }
      const blocking = checks.filter(({ required, status }) => required && status !== 'ok');
      if (blocking.length > 0)
        throw new KitError('NOT_READY', `streamsocial up needs: ${blocking.map(({ name }) => name).join(', ')}`);
    });
}
