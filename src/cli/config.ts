import type { Command } from 'commander';
import { describeSettings } from '../config/settings.ts';
import { print, printJson, table } from './output.ts';
import type { VerbContext } from './verbs.ts';

export function configVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('config').description('settings');
  context
    .verb(noun, 'show', 'every setting as it is in force')
    .option('--origin', 'where each value comes from')
    .option('--json', 'one JSON object a line')
    .action((flags: { origin?: boolean; json?: boolean }) => {
      const settings = describeSettings(context.loaded);
      if (flags.json) return settings.forEach(printJson);
      const text = (value: unknown) => (Array.isArray(value) ? value.join(',') : String(value));
      const origin = (source: string, name: string) => (name === '' ? source : `${source} ${name}`);
      if (flags.origin) {
        print(
          table(
            ['setting', 'value', 'origin'],
            settings.map(({ key, value, source, name }) => [key, text(value), origin(source, name)]),
          ),
        );
      } else
        print(
          table(
            ['setting', 'value'],
            settings.map(({ key, value }) => [key, text(value)]),
          ),
        );
    });
}
