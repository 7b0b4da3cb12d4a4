// Lets jest load packages that are published as ES modules, which a mini program's build transforms.
'use strict'

const { ModuleKind, transpileModule } = require('typescript')

exports.process = (source) => ({ code: transpileModule(source, { compilerOptions: { module: ModuleKind.CommonJS } }).outputText })
