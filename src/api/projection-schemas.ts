/** What routes about projections share. */
import Type from 'typebox';
import { KitError } from '../kit/errors.ts';
import type { Platform } from '../pipelines/platform.ts';
import { PROJECTION_NAMES, type Projection } from '../pipelines/projection.ts';

export const ProjectionName = Type.Enum(PROJECTION_NAMES);
export const ProjectionParams = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100, examples: ['engagement'] }),
});
export const Document = Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()]));

export function OrNull<T extends Type.TSchema>(schema: T, description?: string) {
  return Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
}

/** @throws KitError UNKNOWN_PROJECTION */
export function namedProjection({ projections }: Pick<Platform, 'projections'>, name: string): Projection {
  const found = projections.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new KitError(
    'UNKNOWN_PROJECTION',
    `There is no projection ${name}; there are ${PROJECTION_NAMES.join(', ')}.`,
    { details: { projection: name } },
  );
}
