import {
  type Expression,
  nameOf,
  type ObjectLiteral,
  type Program,
  type Statement,
  withoutTypes,
} from './source-syntax.ts';

/** The exports of a file, read from its source: ES modules and CommonJS. Runs no code. */
export class SourceExports {
  /**
   * Name → exported expression; undefined if it is no expression of this file, such as a function
   * or a re-export.
   */
  readonly exported = new Map<string, Expression | undefined>();
  /** Name → the statement that exports it. */
  readonly statements = new Map<string, Statement>();
  /** Top-level variables with their first values. */
  readonly variables = new Map<string, Expression>();
  /** Whether the file has `export * from`, so that it may have more exports. */
  hasStar = false;

  constructor(program: Program) {
    for (const statement of program.body) this.#readVariables(statement);
    for (const statement of program.body) {
      this.#readExports(statement);
      for (const name of this.exported.keys()) if (!this.statements.has(name)) this.statements.set(name, statement);
    }
  }

  /** The expression itself, or the first value of the variable that it names. */
  resolve(expression: Expression | undefined): Expression | undefined {
    return expression?.type === 'Identifier' ? this.variables.get(expression.name) : expression;
  }

  #readVariables(statement: Statement): void {
    const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declared?.type !== 'VariableDeclaration') return;
    for (const { id, init } of declared.declarations) {
      if (id.type === 'Identifier' && init) this.variables.set(id.name, init);
    }
  }

  #readExports(statement: Statement): void {
    switch (statement.type) {
      case 'ExportAllDeclaration':
        if (statement.exportKind !== 'type') this.hasStar = true;
        return;
      case 'ExportDefaultDeclaration':
        this.#readDefault(statement.declaration);
        return;
      case 'ExportNamedDeclaration':
        if (statement.exportKind !== 'type') this.#readNamed(statement);
        return;
      case 'TSExportAssignment':
        this.#readWhole(statement.expression);
        return;
      case 'ExpressionStatement':
        this.#readAssignment(statement.expression);
    }
  }

  #readDefault(declared: Extract<Statement, { type: 'ExportDefaultDeclaration' }>['declaration']): void {
    if (declared.type === 'TSInterfaceDeclaration') return;
    const isDeclaration = /Declaration|TSDeclareFunction/.test(declared.type);
    // All other types are expressions.
    this.exported.set('default', isDeclaration ? undefined : (declared as Expression));
  }

  #readNamed({ declaration, specifiers, source }: Extract<Statement, { type: 'ExportNamedDeclaration' }>): void {
    for (const specifier of specifiers) {
      if (specifier.type === 'ExportSpecifier' && specifier.exportKind === 'type') continue;
      const name = nameOf(specifier.exported);
      const local = specifier.type === 'ExportSpecifier' ? nameOf(specifier.local) : undefined;
      if (name === undefined) continue;
      this.exported.set(name, source || local === undefined ? undefined : this.variables.get(local));
    }
    if (declaration?.type === 'VariableDeclaration') {
      for (const { id, init } of declaration.declarations) {
        if (id.type === 'Identifier') this.exported.set(id.name, init ?? undefined);
        else for (const name of namesIn(id)) this.exported.set(name, undefined);
      }
    } else if (declaration && 'id' in declaration && declaration.id && !TYPES.test(declaration.type)) {
      const name = nameOf(declaration.id);
      if (name !== undefined) this.exported.set(name, undefined);
    }
  }

  #readAssignment(expression: Expression): void {
    // Compilers list the export names for Node as `0 && (module.exports = { … })`.
    if (expression.type === 'LogicalExpression') this.#readAssignment(expression.right);
    if (expression.type !== 'AssignmentExpression' || expression.operator !== '=') return;
    const { left, right } = expression;
    // `exports = module.exports = { … }`
    this.#readAssignment(right);
    if (isModuleExports(left)) this.#readWhole(right);
    else this.#readMember(left, right);
  }

  #readMember(left: Extract<Expression, { type: 'AssignmentExpression' }>['left'], right: Expression): void {
    if (left.type !== 'MemberExpression') return;
    const isExports = left.object.type === 'Identifier' && left.object.name === 'exports';
    if (!isExports && !isModuleExports(left.object)) return;
    const name = left.computed && left.property.type === 'Identifier' ? undefined : nameOf(left.property);
    if (name !== undefined) this.exported.set(name, this.resolve(right) ?? undefined);
  }

  /**
   * `module.exports = …`: the keys of an object are the export names. For a function the platform's
   * builder finds no names.
   */
  #readWhole(expression: Expression): void {
    const whole = this.resolve(expression);
    if (!whole) return;
    const object = withoutTypes(whole);
    if (object.type !== 'ObjectExpression') return;
    for (const [name, value] of membersOf(object)) this.exported.set(name, value && (this.resolve(value) ?? undefined));
  }
}

/** The named members of an object literal; the value is undefined for methods. */
export function membersOf(object: ObjectLiteral): [name: string, value: Expression | undefined][] {
  return object.properties.flatMap((property): [string, Expression | undefined][] => {
    if (property.type === 'SpreadElement') return [];
    const name = property.computed && property.key.type === 'Identifier' ? undefined : nameOf(property.key);
    if (name === undefined) return [];
    // In an object literal, not in a pattern, the value of a property is an expression.
    return [[name, property.type === 'ObjectProperty' ? (property.value as Expression) : undefined]];
  });
}

const TYPES = /^TS(?:Interface|TypeAlias)Declaration$/;

function isModuleExports(node: { readonly type: string }): boolean {
  if (node.type !== 'MemberExpression') return false;
  const { object, property } = node as Extract<Expression, { type: 'MemberExpression' }>;
  return nameOf(object) === 'module' && nameOf(property) === 'exports';
}

/** The names that a destructuring pattern such as `{ handler }` declares. */
function namesIn(pattern: object): string[] {
  if (!('type' in pattern)) return [];
  if (pattern.type === 'ObjectPattern' && 'properties' in pattern && Array.isArray(pattern.properties)) {
    return pattern.properties.flatMap((each) => namesIn(each.type === 'RestElement' ? each.argument : each.value));
  }
  if (pattern.type === 'ArrayPattern' && 'elements' in pattern && Array.isArray(pattern.elements)) {
    return pattern.elements.flatMap((each) => (each ? namesIn(each) : []));
  }
  if (pattern.type === 'AssignmentPattern' && 'left' in pattern) return namesIn(Object(pattern.left));
  return pattern.type === 'Identifier' && 'name' in pattern ? [String(pattern.name)] : [];
}
