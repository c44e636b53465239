import type { Command } from 'commander';
import { withLog } from './log-access.ts';
import { print, printJson, table } from './output.ts';
import type { VerbContext } from './verbs.ts';

export function aclVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('acls').description('who may do what on the log');

  context
    .verb(noun, 'list', 'every access rule')
    .option('--json', 'one JSON object a line')
    .action(async (flags: { json?: boolean }) => {
      const rules = await withLog(context.loaded, ({ admin }) => admin.accessRules());
      if (flags.json) {
        for (const { resourceType, resourceName, patternType, ...rest } of rules)
          printJson({
            resource_type: resourceType,
            resource_name: resourceName,
            pattern_type: patternType,
            ...rest,
          });
        return;
      }
      if (rules.length === 0) return print('no access rules');
      print(
        table(
          ['principal', 'permission', 'operation', 'resource', 'name', 'pattern', 'host'],
          rules.map((one) => [
            one.principal,
            one.permission,
            one.operation,
            one.resourceType,
            one.resourceName,
            one.patternType,
            one.host,
          ]),
        ),
      );
    });
}
