# no declaration
name = 'café'
