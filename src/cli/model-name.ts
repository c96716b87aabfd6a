/** The name of a model without what most have in common, and without its date. */
export const shortName = (model: string): string => model.replace(/^claude-/, '').replace(/-20\d{6}$/, '')
