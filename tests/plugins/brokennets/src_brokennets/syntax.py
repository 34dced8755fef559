def NET(:
