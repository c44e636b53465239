import { api, array, arrayOf, bool, int8, int16, int32, string } from '../layout.ts';

export const describeConfigs = api({
  name: 'DescribeConfigs',
  key: 32,
  versions: [1, 4],
  flexible: 4,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: arrayOf('string', { nullable: 0 }),
    }),
    includeSynonyms: bool({ default: false }),
    includeDocumentation: bool({ since: 3, default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullable: 0, default: null }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: 0 }),
        readOnly: bool({ default: false }),
        configSource: int8({ default: -1 }),
        isSensitive: bool({ default: false }),
        synonyms: array({
          name: string(),
          value: string({ nullable: 0 }),
          source: int8(),
        }),
        configType: int8({ since: 3, default: 0 }),
        documentation: string({ since: 3, nullable: 0, default: null }),
      }),
    }),
  },
});
